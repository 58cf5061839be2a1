#include "had/agent/message.hpp"

#include <gtest/gtest.h>

namespace drover::had {
namespace {

using Kind = HostMessage::Kind;

TEST(HostMessages, name_the_other_host_of_a_move) {
    const auto message = parse_message(
        R"({"do": "handed_over", "machine": "33333333-3333-4333-8333-333333333333",)"
        R"( "host": "11111111-1111-4111-8111-111111111111", "generation": 7, "host_epoch": 3,)"
        R"( "epoch": 9})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, Kind::handed_over);
    EXPECT_EQ(message->host, "11111111-1111-4111-8111-111111111111");
    EXPECT_EQ(message->generation, 7U);
    EXPECT_EQ(message->host_epoch, 3U);
    EXPECT_EQ(message->epoch, 9U);
    for (const char* word : {"migrate_in", "migrate_out", "handed_over"}) {
        const std::string line = std::string(R"({"do": ")") + word +
                                 R"(", "machine": "33333333-3333-4333-8333-333333333333"})";
        EXPECT_FALSE(parse_message(line)) << word;
    }
}

TEST(HostMessages, name_the_machine_that_goes_on) {
    EXPECT_FALSE(parse_message(R"({"do": "go_on"})"));
    const auto message =
        parse_message(R"({"do": "go_on", "machine": "33333333-3333-4333-8333-333333333333"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, Kind::go_on);
}

TEST(HostMessages, name_the_machine_that_stays) {
    EXPECT_FALSE(parse_message(R"({"do": "migration_failed"})"));
    const auto message = parse_message(
        R"({"do": "migration_failed", "machine": "33333333-3333-4333-8333-333333333333"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, Kind::migration_failed);
}

}  // namespace
}  // namespace drover::had
