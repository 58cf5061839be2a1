#include "service/tickets.hpp"

#include <gtest/gtest.h>

namespace drover::service {
namespace {

using namespace std::chrono_literals;

class TicketsTest : public testing::Test {
protected:
    base::ManualClock clock_{base::WallTime{1'700'000'000s}};
    base::SeededRandom random_{1};
    Tickets tickets_{clock_, random_};
};

TEST_F(TicketsTest, OpenOnceAndForAShortWhile) {
    const auto ticket = tickets_.make_clone_ticket("key");
    EXPECT_FALSE(tickets_.take_clone_ticket("0" + ticket.substr(1)));
    EXPECT_EQ(tickets_.take_clone_ticket(ticket), "key");
    EXPECT_FALSE(tickets_.take_clone_ticket(ticket));
    const auto late = tickets_.make_clone_ticket("key");
    clock_.advance(31s);
    EXPECT_FALSE(tickets_.take_clone_ticket(late));
}

TEST_F(TicketsTest, AreForTheirOwnRequestAlone) {
    const ServiceRequest get{"GET", service_target("/folder/a", "", "store")};
    const auto ticket = tickets_.make_service_ticket("key", get);
    EXPECT_FALSE(tickets_.take_clone_ticket(ticket)) << "and that used it up";
    EXPECT_FALSE(tickets_.take_service_ticket(ticket, get));
    const auto second = tickets_.make_service_ticket("key", get);
    EXPECT_FALSE(tickets_.take_service_ticket(second, {"PUT", get.target}));
    const auto third = tickets_.make_service_ticket("key", get);
    EXPECT_EQ(tickets_.take_service_ticket(third, get), "key");
    EXPECT_NE(service_target("/folder/a", "x", ""), service_target("/folder/a", "", "x"));
}

TEST_F(TicketsTest, GoWithTheirSessionAndAreLimited) {
    const auto ticket = tickets_.make_clone_ticket("key");
    tickets_.end_session("key");
    EXPECT_FALSE(tickets_.take_clone_ticket(ticket));
    for (std::size_t i = 0; i < Tickets::kMostPerSession; ++i) {
        EXPECT_FALSE(tickets_.make_clone_ticket("key").empty());
    }
    EXPECT_TRUE(tickets_.make_clone_ticket("key").empty());
    EXPECT_FALSE(tickets_.make_clone_ticket("other").empty());
}

}  // namespace
}  // namespace drover::service
