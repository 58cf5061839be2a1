#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace drover::storage {

/// What a qcow2 image says about other files, read by ourselves before QEMU is let at it: an image
/// that names files of its own could otherwise pull any file of the host into a machine.
struct Qcow2Header {
    std::uint64_t capacity_bytes = 0;
    std::string backing_file;    ///< empty if there is none
    std::string backing_format;  ///< empty if not stated
    bool has_data_file = false;  ///< data lies in an external file
    bool is_encrypted = false;

    /// So much of the file is enough: backing names lie in the first cluster's head.
    static constexpr std::size_t kHeadBytes = 64 * 1024;

    /// Reads the file's first kHeadBytes (or all of a shorter file); the reason if it is no qcow2
    /// image or its head is damaged.
    static std::expected<Qcow2Header, std::string> parse(std::string_view head);
};

}  // namespace drover::storage
