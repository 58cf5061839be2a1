#pragma once

// The .vmdk descriptor: the small text that says of which files a disk is made.
//
// drover's own disks use VMware's form plus two entries of the disk data base:
//   drover.format = "raw" | "qcow2"            what the extent's file is; formats are never probed
//   drover.provisioning = "thin" | "thick_lazy" | "thick_eager"
// A raw disk's extent has VMware's type VMFS, so VMware's tools can read it. A qcow2 child has the
// type VMFSSPARSE: to those tools it is a delta disk, which they will refuse rather than misread.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vmx/disk_geometry.hpp"
#include "vmx/text.hpp"

namespace drover::vmx {

enum class ExtentAccess { read_write, read_only, no_access };

/// A run of a disk's sectors and the file that holds them.
struct DiskExtent {
    ExtentAccess access = ExtentAccess::read_write;
    std::uint64_t size_sectors = 0;  ///< of 512 bytes
    std::string type;                ///< upper case: FLAT, VMFS, SPARSE, ZERO, VMFSSPARSE, ...
    std::string file_name;           ///< as written; empty for ZERO. Not checked: may be hostile
    std::optional<std::uint64_t> offset_sectors;  ///< where in the file; absent counts as 0

    friend bool operator==(const DiskExtent&, const DiskExtent&) = default;
};

enum class DiskFormat { raw, qcow2 };
std::string_view to_string(DiskFormat format);

/// The CID that stands for "no parent".
inline constexpr std::uint32_t kNoContentId = 0xffffffff;

struct DiskDescriptor {
    static constexpr std::size_t kMaxFileBytes = 256 * 1024;
    static constexpr std::size_t kMaxExtents = 4096;
    static constexpr std::size_t kMaxEntries = 1024;
    static constexpr std::uint64_t kMaxCapacitySectors = std::uint64_t{1} << 52;  // 2 EiB

    std::uint32_t version = 1;
    std::uint32_t content_id = 0xfffffffe;           ///< CID
    std::uint32_t parent_content_id = kNoContentId;  ///< parentCID
    std::string create_type = "vmfs";
    std::string parent_file_name_hint;  ///< a path, relative to this file; may be hostile
    std::vector<DiskExtent> extents;
    /// The disk data base, in the file's order: "ddb.adapterType" -> "lsilogic", and our entries.
    std::vector<std::pair<std::string, std::string>> database;
    /// Further header entries ("encoding", "isNativeSnapshot", "changeTrackPath"), in order.
    std::vector<std::pair<std::string, std::string>> others;

    /// Text in, value out. Refuses missing or repeated fields, more than the limits above, sizes
    /// whose sum overflows, and binary disks.
    static std::expected<DiskDescriptor, ParseError> parse(std::string_view text);

    /// In VMware's layout. parse() gives the same value back.
    std::string to_string() const;

    bool has_parent() const { return parent_content_id != kNoContentId; }
    std::uint64_t capacity_sectors() const;

    /// Keys of the data base in any letter case.
    std::optional<std::string> find(std::string_view key) const;
    /// Throws std::invalid_argument if the value can't stand in a descriptor.
    void set(std::string_view key, std::string_view value);
    void remove(std::string_view key);

    /// What the extents' files are: our entry if there is one; without it raw for flat disks of
    /// VMware, else the reason why the disk can't be run in place.
    std::expected<DiskFormat, std::string> format() const;
    bool thin_provisioned() const { return find("ddb.thinProvisioned") == "1"; }
    std::string adapter_type() const { return find("ddb.adapterType").value_or("lsilogic"); }
    /// Writes ddb.adapterType and ddb.geometry.* for the present capacity.
    void set_adapter(std::string_view adapter_type);

    friend bool operator==(const DiskDescriptor&, const DiskDescriptor&) = default;
};

enum class DiskFileKind {
    descriptor,     ///< text
    sparse_binary,  ///< "KDMV": a sparse VMDK, monolithic or stream-optimized
    cow_binary,     ///< "COWD": VMware's old delta disk
    unknown,
};

/// Tells a text descriptor from a binary disk by the file's first bytes (give 512 or more).
DiskFileKind identify_disk_file(std::string_view first_bytes);

}  // namespace drover::vmx
