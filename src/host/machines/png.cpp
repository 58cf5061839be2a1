#include "host/machines/png.hpp"

#include <zlib.h>

#include <cctype>
#include <stdexcept>
#include <string_view>

namespace drover::host {
namespace {

constexpr std::size_t kMostPixels = 16'384;  // on a side

[[noreturn]] void refuse(const char* reason) {
    throw std::runtime_error(std::string("the screen's picture ") + reason);
}

// The next number of the head; comments run to the end of their line.
std::size_t number(const std::vector<std::uint8_t>& bytes, std::size_t& at) {
    while (at < bytes.size() && (std::isspace(bytes[at]) != 0 || bytes[at] == '#')) {
        if (bytes[at] == '#') {
            while (at < bytes.size() && bytes[at] != '\n') ++at;
        } else {
            ++at;
        }
    }
    std::size_t value = 0;
    const std::size_t start = at;
    for (; at < bytes.size() && std::isdigit(bytes[at]) != 0; ++at) {
        value = value * 10 + (bytes[at] - '0');
        if (value > kMostPixels) refuse("is too large");
    }
    if (at == start) refuse("has no size");
    return value;
}

void append_number(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        out += static_cast<char>(value >> shift & 0xff);
    }
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
    append_number(out, static_cast<std::uint32_t>(data.size()));
    const std::size_t start = out.size();
    out += type;
    out += data;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(out.data() + start),
                           static_cast<uInt>(out.size() - start));
    append_number(out, static_cast<std::uint32_t>(sum));
}

}  // namespace

std::string png_from_pixmap(const std::vector<std::uint8_t>& pixmap) {
    if (pixmap.size() < 2 || pixmap[0] != 'P' || pixmap[1] != '6') refuse("is no pixmap");
    std::size_t at = 2;
    const std::size_t width = number(pixmap, at);
    const std::size_t height = number(pixmap, at);
    if (width == 0 || height == 0 || number(pixmap, at) != 255) refuse("is of another kind");
    ++at;
    const std::size_t line = width * 3;
    if (pixmap.size() < at || pixmap.size() - at < line * height) refuse("is cut short");
    std::string rows;
    rows.reserve((line + 1) * height);
    for (std::size_t row = 0; row < height; ++row) {
        rows += '\0';  // no filter
        rows.append(reinterpret_cast<const char*>(pixmap.data() + at + row * line), line);
    }
    uLongf size = compressBound(static_cast<uLong>(rows.size()));
    std::string packed(size, '\0');
    if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                  reinterpret_cast<const Bytef*>(rows.data()), static_cast<uLong>(rows.size()),
                  Z_BEST_SPEED) != Z_OK) {
        refuse("can't be compressed");
    }
    packed.resize(size);
    std::string head;
    append_number(head, static_cast<std::uint32_t>(width));
    append_number(head, static_cast<std::uint32_t>(height));
    head += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, the only methods there are
    std::string png("\x89PNG\r\n\x1a\n", 8);
    append_chunk(png, "IHDR", head);
    append_chunk(png, "IDAT", packed);
    append_chunk(png, "IEND", {});
    return png;
}

}  // namespace drover::host
