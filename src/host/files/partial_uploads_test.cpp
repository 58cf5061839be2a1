#include "host/files/partial_uploads.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace drover::host::files {
namespace {

using namespace std::chrono_literals;

class Nothing final : public storage::FileWriter {
public:
    void write_at(std::uint64_t, std::span<const char>) override {}
    void commit() override {}
};

TEST(ContentRange, IsRead) {
    EXPECT_EQ(parse_content_range("bytes 0-99/1000"), (ContentRange{0, 100, 1000}));
    EXPECT_EQ(parse_content_range("bytes 999-999/1000"), (ContentRange{999, 1, 1000}));
    EXPECT_EQ(parse_content_range("bytes */1000"), (ContentRange{0, 0, 1000}));
    for (const auto* text :
         {"", "bytes", "bytes 0-99", "bytes 0-99/", "bytes 0-99/99", "bytes 5-4/9", "bytes */0",
          "bytes */*", "bytes 0-18446744073709551615/18446744073709551615", "bytes 0-1/2 ",
          "bytes -1-2/9", "bytes 0-1/18446744073709551616", "Bytes 0-1/2"}) {
        EXPECT_EQ(parse_content_range(text), std::nullopt) << text;
    }
}

class Uploads : public testing::Test {
protected:
    PartialUploads::Left fresh() { return {std::make_shared<Nothing>(), "queue"}; }

    base::ManualClock clock{base::WallTime{1'700'000'000s}};
    PartialUploads uploads{clock};
    PartialUploads::Key key{"root", "[one] a.iso"};
    PartialUploads::Left replaced;
};

TEST_F(Uploads, WhoComesLaterHasTheTurn) {
    const auto first = uploads.begin(key, 100, fresh(), replaced);
    ASSERT_TRUE(first);
    EXPECT_TRUE(uploads.note(key, *first, 40));
    EXPECT_EQ(uploads.received(key, 100), 40u);
    EXPECT_FALSE(uploads.go_on(key, 100, 39));
    EXPECT_FALSE(uploads.go_on(key, 99, 40));
    EXPECT_FALSE(uploads.go_on({"other", key.path}, 100, 40));
    const auto second = uploads.go_on(key, 100, 40);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->writer, first->writer);
    EXPECT_FALSE(uploads.note(key, *first, 60));
    EXPECT_FALSE(uploads.end(key, *first));
    EXPECT_EQ(uploads.received(key, 100), 40u);
    EXPECT_TRUE(uploads.end(key, *second));
    EXPECT_EQ(uploads.received(key, 100), 0u);
}

TEST_F(Uploads, ANewBeginningReplaces) {
    const auto first = uploads.begin(key, 100, fresh(), replaced);
    EXPECT_EQ(replaced.writer, nullptr);
    const auto second = uploads.begin(key, 50, fresh(), replaced);
    EXPECT_EQ(replaced.writer, first->writer);
    EXPECT_FALSE(uploads.note(key, *first, 10));
    EXPECT_TRUE(uploads.note(key, *second, 10));
}

TEST_F(Uploads, AreNotKeptForEver) {
    for (std::size_t i = 0; i < PartialUploads::kMost; ++i) {
        EXPECT_TRUE(uploads.begin({"root", std::to_string(i)}, 9, fresh(), replaced));
    }
    EXPECT_FALSE(uploads.begin(key, 9, fresh(), replaced));
    EXPECT_TRUE(uploads.begin({"root", "3"}, 9, fresh(), replaced)) << "in the place of the old";
    EXPECT_FALSE(uploads.take_old());
    clock.advance(PartialUploads::kKept);
    std::size_t taken = 0;
    while (uploads.take_old()) ++taken;
    EXPECT_EQ(taken, PartialUploads::kMost);
    EXPECT_TRUE(uploads.begin(key, 9, fresh(), replaced));
}

TEST_F(Uploads, AreSweptByOne) {
    const auto turn = uploads.begin(key, 9, fresh(), replaced);
    EXPECT_TRUE(uploads.start_sweeping());
    EXPECT_FALSE(uploads.start_sweeping());
    EXPECT_FALSE(uploads.stop_sweeping_if_empty());
    uploads.end(key, *turn);
    EXPECT_TRUE(uploads.stop_sweeping_if_empty());
    EXPECT_TRUE(uploads.start_sweeping());
}

}  // namespace
}  // namespace drover::host::files
