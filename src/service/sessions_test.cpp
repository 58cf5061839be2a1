#include "service/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace drover::service {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class SessionsTest : public testing::Test {
protected:
    SessionsTest() {
        sessions_.on_end([this](const Session& session) { ended_.push_back(session.user); });
    }
    std::shared_ptr<Session> open(const std::string& user) {
        return sessions_.open(user, "10.0.0.7", "test/1.0");
    }

    base::ManualClock clock_{base::WallTime{1'700'000'000s}};
    base::SeededRandom random_{1};
    Sessions sessions_{clock_, random_};
    std::vector<std::string> ended_;
};

TEST_F(SessionsTest, IsFoundByItsCookieAloneAndByItsPublicKeyOnlyAsAKey) {
    const auto session = open("alice");
    EXPECT_EQ(session->cookie.size(), 40u);
    EXPECT_EQ(session->user_agent, "test/1.0");
    EXPECT_EQ(sessions_.find(session->cookie), session);
    EXPECT_EQ(sessions_.find_by_key(session->key), session);
    EXPECT_EQ(sessions_.find(session->key), nullptr);
    EXPECT_EQ(sessions_.find_by_key(session->cookie), nullptr);
    for (const std::string& wrong :
         {std::string(), session->cookie.substr(1), session->cookie + "0", std::string(40, '0')}) {
        EXPECT_EQ(sessions_.find(wrong), nullptr) << wrong;
    }
}

TEST_F(SessionsTest, EndsAfterHalfAnHourWithoutUse) {
    const auto session = open("alice");
    clock_.advance(Sessions::kIdleLimit);
    EXPECT_EQ(sessions_.find(session->cookie), session) << "which renews it";
    clock_.advance(Sessions::kIdleLimit);
    EXPECT_EQ(sessions_.find(session->cookie), session);
    clock_.advance(Sessions::kIdleLimit + 1us);
    EXPECT_EQ(sessions_.find(session->cookie), nullptr);
    EXPECT_THAT(ended_, ElementsAre("alice"));
    EXPECT_THAT(sessions_.all(), IsEmpty());
}

TEST_F(SessionsTest, OneThatWaitsForUpdatesIsNotIdle) {
    const auto session = open("alice");
    session->calls_running = 1;
    clock_.advance(24h);
    sessions_.expire();
    EXPECT_EQ(sessions_.find(session->cookie), session);
    session->calls_running = 0;
    clock_.advance(Sessions::kIdleLimit + 1us);
    sessions_.expire();
    EXPECT_THAT(ended_, ElementsAre("alice"));
}

TEST_F(SessionsTest, ExpiryTakesTheIdleOnesOnly) {
    open("idle");
    const auto busy = open("busy");
    clock_.advance(Sessions::kIdleLimit);
    sessions_.find(busy->cookie);
    clock_.advance(1us);
    sessions_.expire();
    EXPECT_THAT(ended_, ElementsAre("idle"));
    EXPECT_THAT(sessions_.all(), ElementsAre(busy));
}

TEST_F(SessionsTest, ClosingTellsOnce) {
    const auto session = open("alice");
    sessions_.close(session->key);
    sessions_.close(session->key);
    EXPECT_THAT(ended_, ElementsAre("alice"));
    EXPECT_EQ(sessions_.find(session->cookie), nullptr);
}

TEST_F(SessionsTest, ThereIsALimitAndIdleOnesMakeRoom) {
    std::set<std::string> cookies;
    for (std::size_t i = 0; i < Sessions::kMostSessions; ++i) {
        cookies.insert(open("user" + std::to_string(i))->cookie);
    }
    EXPECT_EQ(cookies.size(), Sessions::kMostSessions);
    EXPECT_EQ(open("late"), nullptr);
    clock_.advance(Sessions::kIdleLimit + 1us);
    EXPECT_NE(open("later"), nullptr);
    EXPECT_EQ(ended_.size(), Sessions::kMostSessions);
}

}  // namespace
}  // namespace drover::service
