#include "vmx/disk_geometry.hpp"

#include <algorithm>

namespace drover::vmx {

DiskGeometry disk_geometry(std::uint64_t capacity_sectors, std::string_view adapter_type) {
    constexpr std::uint64_t kGibSectors = (std::uint64_t{1} << 30) / 512;
    DiskGeometry shape;
    if (adapter_type == "ide") {
        shape = {.cylinders = 0, .heads = 16, .sectors = 63};
    } else if (capacity_sectors < kGibSectors) {
        shape = {.cylinders = 0, .heads = 64, .sectors = 32};
    } else if (capacity_sectors < 2 * kGibSectors) {
        shape = {.cylinders = 0, .heads = 128, .sectors = 32};
    } else {
        shape = {.cylinders = 0, .heads = 255, .sectors = 63};
    }
    shape.cylinders =
        std::max<std::uint64_t>(1, capacity_sectors / (std::uint64_t{shape.heads} * shape.sectors));
    if (adapter_type == "ide") shape.cylinders = std::min<std::uint64_t>(shape.cylinders, 16383);
    return shape;
}

}  // namespace drover::vmx
