#include "storage/qcow2_header.hpp"

#include <algorithm>

namespace drover::storage {
namespace {

constexpr std::uint32_t kBackingFormat = 0xe2792aca;
constexpr std::uint32_t kDataFile = 0x44415441;
constexpr std::size_t kMaxNameBytes = 1023;  // the format's own limit
constexpr std::size_t kMaxExtensions = 64;

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

// Extensions follow the fixed header: type, length, data padded to 8 bytes; type 0 ends them.
std::expected<void, std::string> read_extensions(std::string_view head, std::size_t at,
                                                 Qcow2Header& header) {
    for (std::size_t count = 0; count < kMaxExtensions; ++count) {
        if (at + 8 > head.size()) return std::unexpected("the header extensions are cut short");
        const auto type = static_cast<std::uint32_t>(big_endian(head, at, 4));
        const auto length = static_cast<std::size_t>(big_endian(head, at + 4, 4));
        at += 8;
        if (type == 0) return {};
        if (length > head.size() - at) {
            return std::unexpected("a header extension lies out of bounds");
        }
        if (type == kBackingFormat) header.backing_format = head.substr(at, length);
        if (type == kDataFile) header.has_data_file = true;
        at += (length + 7) / 8 * 8;
    }
    return std::unexpected("there are too many header extensions");
}

}  // namespace

std::expected<Qcow2Header, std::string> Qcow2Header::parse(std::string_view head) {
    head = head.substr(0, kHeadBytes);
    if (head.size() < 72 || !head.starts_with("QFI\xfb")) {
        return std::unexpected("the file is no qcow2 image");
    }
    const auto version = big_endian(head, 4, 4);
    const auto backing_offset = big_endian(head, 8, 8);
    const auto backing_size = big_endian(head, 16, 4);
    Qcow2Header header;
    header.capacity_bytes = big_endian(head, 24, 8);
    header.is_encrypted = big_endian(head, 32, 4) != 0;
    std::size_t extensions_at = 72;
    if (version == 3) {
        if (head.size() < 104) return std::unexpected("the header is cut short");
        header.has_data_file = (big_endian(head, 72, 8) & 4) != 0;
        const auto length = big_endian(head, 100, 4);
        if (length < 104 || length > head.size()) {
            return std::unexpected("the header's length is not possible");
        }
        extensions_at = static_cast<std::size_t>(length);
    } else if (version != 2) {
        return std::unexpected("the version of qcow2 is not known");
    }
    if (auto read = read_extensions(head, extensions_at, header); !read) {
        return std::unexpected(read.error());
    }
    if (backing_offset != 0) {
        if (backing_size == 0 || backing_size > kMaxNameBytes || backing_offset > head.size() ||
            backing_size > head.size() - backing_offset) {
            return std::unexpected("the backing file's name lies out of bounds");
        }
        header.backing_file = head.substr(backing_offset, backing_size);
    }
    return header;
}

}  // namespace drover::storage
