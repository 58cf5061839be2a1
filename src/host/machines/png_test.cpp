#include "host/machines/png.hpp"

#include <gtest/gtest.h>

namespace drover::host {
namespace {

std::vector<std::uint8_t> bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

TEST(Png, HasTheSizeAndTheKindOfThePixmap) {
    const std::string png = png_from_pixmap(bytes("P6\n# a comment\n2 1\n255\nabcdef"));
    ASSERT_GT(png.size(), 33u);
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(png.substr(12, 4), "IHDR");
    EXPECT_EQ(png.substr(16, 10), std::string("\0\0\0\2\0\0\0\1\x08\x02", 10));
    EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");
}

TEST(Png, RefusesWhatIsNoPixmap) {
    for (const auto* text : {"", "P5 1 1 255 a", "P6 2 2 255 abc", "P6 99999 1 255 ",
                             "P6 1 1 65535 a", "P6", "P6 0 1 255 "}) {
        EXPECT_THROW(png_from_pixmap(bytes(text)), std::runtime_error) << text;
    }
}

}  // namespace
}  // namespace drover::host
