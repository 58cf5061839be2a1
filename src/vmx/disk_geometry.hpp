#pragma once

#include <cstdint>
#include <string_view>

namespace drover::vmx {

/// What a BIOS is told about a disk's shape.
struct DiskGeometry {
    std::uint64_t cylinders = 0;
    std::uint32_t heads = 0;
    std::uint32_t sectors = 0;  ///< per track

    friend bool operator==(const DiskGeometry&, const DiskGeometry&) = default;
};

/// The geometry that VMware writes for a disk of this size on this adapter ("ide"; anything else
/// counts as SCSI): a guest that was installed with another one may not boot.
DiskGeometry disk_geometry(std::uint64_t capacity_sectors, std::string_view adapter_type);

}  // namespace drover::vmx
