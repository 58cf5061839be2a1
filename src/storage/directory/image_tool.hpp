#pragma once

// qemu-img, for what is not raw. It runs as a child with limits on its memory, and formats are
// always stated, never left to it to guess.

#include <cstdint>
#include <filesystem>
#include <string>

#include "storage/blobs.hpp"
#include "vmx/disk_descriptor.hpp"

namespace drover::storage::directory {

/// Writes an empty qcow2 image over the (empty) file `image`, with `backing` (as it shall stand in
/// the header, relative to the image) behind it. Does not open the backing file.
void create_child_image(const std::filesystem::path& image, std::uint64_t capacity_bytes,
                        const std::string& backing, vmx::DiskFormat backing_format,
                        const std::string& path);

/// Copies an image's content to the raw file `target`, which has its size and reads as zeroes.
/// `format` is qemu-img's name of the source's: "qcow2", "vmdk".
void convert_to_raw(const std::filesystem::path& source, const std::string& format,
                    const std::filesystem::path& target, std::uint64_t capacity_bytes,
                    const CopyControl& control, const std::string& path);

}  // namespace drover::storage::directory
