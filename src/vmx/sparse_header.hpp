#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace drover::vmx {

/// The head of a binary sparse VMDK ("KDMV"), as far as one must know it before another program is
/// let at the file.
struct SparseHeader {
    std::uint32_t version = 0;
    std::uint64_t capacity_sectors = 0;
    std::uint64_t descriptor_offset_bytes = 0;  ///< 0 = no embedded descriptor
    std::uint64_t descriptor_size_bytes = 0;

    static constexpr std::size_t kBytes = 512;

    /// Reads the file's first 512 bytes; the reason if it is no sparse VMDK that stands alone.
    static std::expected<SparseHeader, std::string> parse(std::string_view first_bytes);
};

/// Checks that a sparse disk's embedded descriptor names no other file: no parent and a single
/// sparse extent. Gives the reason if it does.
std::expected<void, std::string> check_embedded_descriptor(std::string_view text);

}  // namespace drover::vmx
