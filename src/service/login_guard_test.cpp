#include "service/login_guard.hpp"

#include <gtest/gtest.h>

namespace drover::service {
namespace {

using namespace std::chrono_literals;

class LoginGuardTest : public testing::Test {
protected:
    base::ManualClock clock_{base::WallTime{1'700'000'000s}};
    LoginGuard guard_{clock_};
};

TEST_F(LoginGuardTest, AnswersWrongPasswordsLaterAndLater) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(guard_.failed("10.0.0.1", "alice"), 500ms);
    EXPECT_EQ(guard_.failed("10.0.0.1", "bob"), 1000ms) << "the address counts";
    EXPECT_EQ(guard_.failed("10.0.0.2", "alice"), 1000ms) << "and so does the account";
    for (int i = 0; i < 50; ++i) guard_.failed("10.0.0.1", "alice");
    EXPECT_EQ(guard_.failed("10.0.0.1", "alice"), 8000ms);
    EXPECT_EQ(guard_.failed("10.0.0.3", "carol"), 500ms);
}

TEST_F(LoginGuardTest, ForgetsAfterARightPasswordOrAWhile) {
    for (int i = 0; i < 10; ++i) guard_.failed("10.0.0.1", "alice");
    guard_.succeeded("10.0.0.1", "alice");
    EXPECT_EQ(guard_.failed("10.0.0.1", "alice"), 500ms);
    for (int i = 0; i < 10; ++i) guard_.failed("10.0.0.1", "alice");
    clock_.advance(16min);
    EXPECT_EQ(guard_.failed("10.0.0.1", "alice"), 500ms);
}

TEST_F(LoginGuardTest, OneAddressDoesNotKeepOthersOut) {
    std::size_t let_in = 0;
    while (guard_.begin("10.0.0.1")) ++let_in;
    EXPECT_EQ(let_in, LoginGuard::kMostUnderWayPerAddress);
    EXPECT_TRUE(guard_.begin("10.0.0.2"));
    guard_.end("10.0.0.1");
    EXPECT_TRUE(guard_.begin("10.0.0.1"));
}

}  // namespace
}  // namespace drover::service
