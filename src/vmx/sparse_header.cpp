#include "vmx/sparse_header.hpp"

#include <fmt/format.h>

#include "vmx/disk_descriptor.hpp"

namespace drover::vmx {
namespace {

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

}  // namespace

std::expected<SparseHeader, std::string> SparseHeader::parse(std::string_view first_bytes) {
    if (first_bytes.size() < kBytes) return std::unexpected("the file is cut short");
    if (!first_bytes.starts_with("KDMV")) return std::unexpected("the file is no sparse VMDK");
    SparseHeader header;
    header.version = static_cast<std::uint32_t>(little_endian(first_bytes, 4, 4));
    header.capacity_sectors = little_endian(first_bytes, 12, 8);
    const std::uint64_t grain_sectors = little_endian(first_bytes, 20, 8);
    const std::uint64_t descriptor_offset = little_endian(first_bytes, 28, 8);
    const std::uint64_t descriptor_size = little_endian(first_bytes, 36, 8);
    if (header.version < 1 || header.version > 3) {
        return std::unexpected(fmt::format("version {} is not known", header.version));
    }
    // A capacity of 0 makes some readers take the embedded text for the disk, files and all.
    if (header.capacity_sectors == 0 ||
        header.capacity_sectors > DiskDescriptor::kMaxCapacitySectors) {
        return std::unexpected("the capacity is not possible");
    }
    if (grain_sectors < 1 || grain_sectors > 2048 || (grain_sectors & (grain_sectors - 1)) != 0) {
        return std::unexpected("the grain size is not possible");
    }
    constexpr std::uint64_t kMaxOffsetSectors = std::uint64_t{1} << 40;
    if (descriptor_offset > kMaxOffsetSectors ||
        descriptor_size > DiskDescriptor::kMaxFileBytes / 512) {
        return std::unexpected("the embedded descriptor lies out of bounds");
    }
    header.descriptor_offset_bytes = descriptor_offset * 512;
    header.descriptor_size_bytes = descriptor_size * 512;
    return header;
}

std::expected<void, std::string> check_embedded_descriptor(std::string_view text) {
    const auto descriptor = DiskDescriptor::parse(text);
    if (!descriptor) return std::unexpected(descriptor.error().message());
    if (descriptor->has_parent() || !descriptor->parent_file_name_hint.empty()) {
        return std::unexpected("the disk depends on a parent disk");
    }
    if (descriptor->extents.size() != 1 || descriptor->extents.front().type != "SPARSE") {
        return std::unexpected("the disk names extents in other files");
    }
    return {};
}

}  // namespace drover::vmx
