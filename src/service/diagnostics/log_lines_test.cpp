#include "service/diagnostics/log_lines.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "store/temporary_directory.hpp"

namespace drover::service {
namespace {

class LogLinesTest : public testing::Test {
protected:
    LogLines read(const std::string& text, std::int64_t start, std::size_t count = kMostLogLines) {
        const auto path = directory_.path() / "a.log";
        base::write_file_atomically(path, text);
        return read_log_lines(path, start, count);
    }

    store::TemporaryDirectory directory_;
};

TEST_F(LogLinesTest, GivesThePieceThatWasAskedFor) {
    const auto piece = read("one\ntwo\nthree\nfour\n", 2, 2);
    EXPECT_EQ(piece.first, 2);
    EXPECT_EQ(piece.last, 3);
    EXPECT_EQ(piece.lines, (std::vector<std::string>{"two", "three"}));
}

TEST_F(LogLinesTest, BeginsAtTheTopForStartsBelowOne) {
    for (const std::int64_t start : {std::int64_t{-20}, std::int64_t{0}, std::int64_t{1}}) {
        const auto piece = read("one\ntwo", start);
        EXPECT_EQ(piece.first, 1);
        EXPECT_EQ(piece.last, 2);
        EXPECT_EQ(piece.lines.back(), "two");
    }
}

TEST_F(LogLinesTest, SaysWhereTheLogEnds) {
    const auto piece = read("one\ntwo\nthree\n", INT32_MAX);
    EXPECT_TRUE(piece.lines.empty());
    EXPECT_EQ(piece.first, 3);
    EXPECT_EQ(piece.last, 3);
    EXPECT_EQ(read("", 1).last, 0);
    EXPECT_EQ(read("one\ntwo\n", 1, 0).last, 0);
}

TEST_F(LogLinesTest, IsBounded) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line\n";
    EXPECT_EQ(read(text, 1).lines.size(), kMostLogLines);
    EXPECT_EQ(read(text, 15'001).lines.size(), 5'000u);
    const auto cut = read(std::string(1 << 20, 'x') + "\nnext\n", 1);
    ASSERT_EQ(cut.lines.size(), 2u);
    EXPECT_EQ(cut.lines[0].size(), kMostLineBytes);
    EXPECT_EQ(cut.lines[1], "next");
}

TEST_F(LogLinesTest, ReplacesControlCharacters) {
    EXPECT_EQ(read("a\x1b[1mb\tc\r\n", 1).lines[0], "a?[1mb\tc?");
}

TEST_F(LogLinesTest, ThrowsWhereThereIsNoLog) {
    EXPECT_THROW(read_log_lines(directory_.path() / "none", 1, 1), std::system_error);
}

}  // namespace
}  // namespace drover::service
