#include "http/gzip.hpp"

#include <gtest/gtest.h>

namespace drover::http {
namespace {

TEST(Gzip, RoundTrips) {
    for (const std::size_t size : {0u, 1u, 1000u, 300'000u}) {
        std::string text(size, 'x');
        for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>(i * 31);
        const auto packed = gzip_compress(text);
        EXPECT_EQ(gzip_decompress(packed, size), text);
    }
}

TEST(Gzip, RefusesBrokenCutAndTooLarge) {
    const auto packed = gzip_compress(std::string(100'000, 'x'));
    EXPECT_FALSE(gzip_decompress(packed, 99'999));
    EXPECT_TRUE(gzip_decompress(packed, 100'000));
    for (std::size_t size = 0; size < packed.size(); ++size)
        EXPECT_FALSE(gzip_decompress(packed.substr(0, size), 1 << 20)) << size;
    auto damaged = packed;
    damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // its CRC
    EXPECT_FALSE(gzip_decompress(damaged, 1 << 20));
    EXPECT_FALSE(gzip_decompress("plain text", 1 << 20));
    EXPECT_FALSE(gzip_decompress(packed + "junk", 1 << 20));
}

TEST(Gzip, ReadsSeveralMembers) {
    EXPECT_EQ(gzip_decompress(gzip_compress("one ") + gzip_compress("two"), 100), "one two");
}

TEST(Gzip, GivesOutputInSmallRooms) {
    const auto packed = gzip_compress(std::string(10'000, 'y'));
    GzipReader reader;
    std::string_view rest(packed);
    std::size_t total = 0;
    char room[7];
    while (!reader.at_end()) {
        const auto step = reader.step(rest.substr(0, 3), room);
        ASSERT_NE(step.status, GzipReader::Status::broken);
        rest.remove_prefix(step.consumed);
        total += step.produced;
    }
    EXPECT_EQ(total, 10'000u);
    EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace drover::http
