// The lease decides: what each side may do, in every order.

#include "host/migration/handover.hpp"

#include <gtest/gtest.h>

#include "host/files/test_host.hpp"

namespace drover::host {
namespace {

class HandOverTest : public ::testing::Test {
protected:
    HandOverTest() {
        vmx_ = *storage::DatastorePath::parse("[one] vm/vm.vmx");
        host_.write("one/vm/vm.vmx", "");
    }

    storage::LeaseState now() { return host_.run(handover_.read(vmx_)); }
    // What another host does to the same lease.
    storage::VmLease lease() {
        return {host_.context.datastores.of_path(vmx_).store->compare_and_swap(),
                host_.context.runtime.clock(), *vmx_.parent().child("vm.lease")};
    }
    std::string me() { return host_.context.host_uuid; }

    files::TestHost host_;
    storage::DatastorePath vmx_;
    HandOver handover_{host_.context};
    const storage::LeaseHolder other_{"other", "other.example.org"};
};

TEST_F(HandOverTest, AnOfferIsTakenBackOnce) {
    EXPECT_GT(host_.run(handover_.offer(vmx_, "other")), 0u);
    EXPECT_EQ(now().owner, me());
    EXPECT_EQ(now().successor, "other");
    EXPECT_TRUE(host_.run(handover_.take_back(vmx_)));
    EXPECT_TRUE(host_.run(handover_.take_back(vmx_)));
    EXPECT_EQ(now().successor, "");
    EXPECT_FALSE(lease().acquire(now().generation, other_).won);
}

TEST_F(HandOverTest, AnOfferThatWasAcceptedIsLost) {
    host_.run(handover_.offer(vmx_, "other"));
    EXPECT_TRUE(lease().acquire(now().generation, other_).won);
    EXPECT_FALSE(host_.run(handover_.take_back(vmx_)));
    EXPECT_THROW(host_.run(handover_.offer(vmx_, "third")), vim::Fault);
    EXPECT_EQ(now().owner, "other");
}

TEST_F(HandOverTest, OnlyWhoIsNamedAccepts) {
    lease().acquire(0, other_);
    EXPECT_EQ(host_.run(handover_.accept(vmx_)), 0u);
    lease().set_successor(now().generation, other_, me());
    const auto generation = host_.run(handover_.accept(vmx_));
    EXPECT_EQ(generation, now().generation);
    EXPECT_EQ(now().owner, me());
    // Once more after a crash.
    EXPECT_EQ(host_.run(handover_.accept(vmx_)), generation);
}

TEST_F(HandOverTest, WithdrawnHereForASourceThatCanNotSeeIt) {
    host_.run(handover_.place(vmx_, other_));
    EXPECT_EQ(now().owner, "other");
    EXPECT_EQ(now().successor, me());
    EXPECT_TRUE(host_.run(handover_.withdraw(vmx_, other_)));
    EXPECT_EQ(host_.run(handover_.accept(vmx_)), 0u);
}

TEST_F(HandOverTest, NotWithdrawnAfterItWasAccepted) {
    host_.run(handover_.place(vmx_, other_));
    EXPECT_GT(host_.run(handover_.accept(vmx_)), 0u);
    EXPECT_FALSE(host_.run(handover_.withdraw(vmx_, other_)));
    EXPECT_EQ(now().owner, me());
}

}  // namespace
}  // namespace drover::host
