#pragma once

// Virtual disks. A disk is named by its descriptor "x.vmdk"; its data is "x-flat.raw", or
// "x-flat.qcow2" for a child that holds the difference to a parent disk. Flat disks made by VMware
// (x-flat.vmdk) are used as they are.
//
// All calls block, are safe from any thread and throw StorageError. Nothing is left behind when
// one fails; what a crash leaves is recognised by its marker and removed when the disk is touched
// next, or by recover().

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/blobs.hpp"
#include "storage/datastore_path.hpp"
#include "vmx/disk_descriptor.hpp"

namespace drover::storage {

enum class Provisioning {
    thin,         ///< takes space as it is written
    thick_lazy,   ///< space is set aside; reads as zeroes, zeroed on first write
    thick_eager,  ///< space is set aside and zeroes have really been written
};

struct DiskSpec {
    std::uint64_t capacity_bytes = 0;  ///< a multiple of 512; ignored if there is a parent
    Provisioning provisioning = Provisioning::thin;
    std::string adapter_type = "lsilogic";  ///< ide, buslogic, lsilogic, pvscsi, ...
    std::optional<DatastorePath> parent;    ///< a disk on this datastore: makes a thin child
};

/// One file of a disk, and how to open it: the format is stated here and nowhere else.
struct DiskLayer {
    DatastorePath descriptor;
    DatastorePath data;
    std::filesystem::path host_path;  ///< of the data, on this host
    vmx::DiskFormat format = vmx::DiskFormat::raw;
    std::uint64_t allocated_bytes = 0;
};

struct DiskDescription {
    std::uint64_t capacity_bytes = 0;
    std::uint64_t allocated_bytes = 0;  ///< of the uppermost layer
    Provisioning provisioning = Provisioning::thin;
    std::string adapter_type;
    std::string uuid;  ///< ddb.uuid, may be empty
    std::uint32_t content_id = 0;
    std::vector<DiskLayer> chain;  ///< this disk first, its base last; never empty
};

enum class Refit {
    inflate,  ///< all of its space is taken and written, the content stays: eagerly thick
    zero,     ///< the same, and the content becomes zeroes
    shrink,   ///< of a thin disk: blocks of zeroes give their space back
};

class VolumeStore {
public:
    static constexpr std::size_t kMaxChain = 64;

    virtual ~VolumeStore() = default;

    virtual DiskDescription create_disk(const DatastorePath& path, const DiskSpec& spec,
                                        const CopyControl& control = {}) = 0;
    /// The descriptor and its data. Children are not known to a disk: the caller must make sure
    /// that there are none.
    virtual void delete_disk(const DatastorePath& path) = 0;
    /// Follows descriptors alone, and refuses (unsupported) an image whose header names another
    /// backing file than its descriptor, or an external data file.
    virtual DiskDescription describe_disk(const DatastorePath& path) = 0;
    /// Only for a disk without parent, and never smaller. The new part's zeroes are really written
    /// if the disk is eagerly thick or the caller asks for it.
    virtual DiskDescription grow_disk(const DatastorePath& path, std::uint64_t capacity_bytes,
                                      const CopyControl& control = {},
                                      bool zeroes_written = false) = 0;
    /// Changes how a disk takes its space; only for a raw disk without parent. If it is stopped
    /// halfway the disk is as usable as before, its space somewhere in between.
    virtual DiskDescription refit_disk(const DatastorePath& path, Refit refit,
                                       const CopyControl& control) = 0;
    /// A full, independent copy: a chain becomes one raw disk. Unwritten parts take no space if
    /// the copy is thin.
    virtual DiskDescription copy_disk(const DatastorePath& from, const DatastorePath& to,
                                      Provisioning provisioning, const CopyControl& control) = 0;
    /// Makes a disk of a monolithic (also stream-optimized) sparse VMDK.
    virtual DiskDescription import_disk(const DatastorePath& from, const DatastorePath& to,
                                        const DiskSpec& spec, const CopyControl& control) = 0;
    /// Gives a disk another name or directory; both files move. Children are not adjusted.
    virtual void rename_disk(const DatastorePath& from, const DatastorePath& to) = 0;
    /// Removes or completes what crashes have left in a directory, files of unfinished uploads
    /// included; gives the disks concerned.
    virtual std::vector<DatastorePath> recover(const DatastorePath& directory) = 0;
};

}  // namespace drover::storage
