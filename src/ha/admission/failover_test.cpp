#include "ha/admission/failover.hpp"

#include <gtest/gtest.h>

namespace drover::ha {
namespace {

// Hosts of 10 GB; machines of these sizes in GB, by host.
plan::Snapshot cluster_of(const std::vector<std::vector<double>>& hosts) {
    plan::Snapshot snapshot;
    for (const auto& sizes : hosts) {
        plan::Host host;
        host.name = "host" + std::to_string(snapshot.hosts.size());
        host.cpu_mhz = 1000;
        host.memory_bytes = 10e9;
        for (const double gigabytes : sizes) {
            plan::Machine machine;
            machine.name = "machine" + std::to_string(snapshot.machines.size());
            machine.host = static_cast<plan::HostIndex>(snapshot.hosts.size());
            machine.memory_configured_bytes = gigabytes * 1e9;
            machine.memory.reservation = gigabytes * 1e9;
            snapshot.machines.push_back(machine);
        }
        snapshot.hosts.push_back(host);
    }
    return snapshot;
}

TEST(Failover, free_memory_in_pieces_is_no_room_for_a_large_machine) {
    // 9 of 30 GB are free, but the machine of 6 GB fits nowhere.
    const auto pieces = cluster_of({{6}, {7}, {8}});
    const auto verdict = admits_failover(pieces, {.policy = FailoverPolicy::hosts, .hosts = 1});
    EXPECT_FALSE(verdict.admitted);
    EXPECT_FALSE(verdict.stranded.empty());
    EXPECT_NE(verdict.reason.find("would find no place"), std::string::npos);
    EXPECT_TRUE(
        admits_failover(cluster_of({{6}, {3}, {4}}), {.policy = FailoverPolicy::hosts, .hosts = 1})
            .admitted);
}

TEST(Failover, two_hosts_may_fail_only_if_the_third_takes_all) {
    const FailoverSettings two{.policy = FailoverPolicy::hosts, .hosts = 2};
    EXPECT_TRUE(admits_failover(cluster_of({{3}, {3}, {3}}), two).admitted);
    EXPECT_FALSE(admits_failover(cluster_of({{4}, {4}, {4}}), two).admitted);
    EXPECT_FALSE(admits_failover(cluster_of({{1}, {1}}), two).admitted);
}

TEST(Failover, a_percentage_is_kept_of_what_can_be_reserved) {
    const FailoverSettings half{
        .policy = FailoverPolicy::percentage, .cpu_percent = 50, .memory_percent = 50};
    EXPECT_TRUE(admits_failover(cluster_of({{5}, {5}}), half).admitted);
    EXPECT_FALSE(admits_failover(cluster_of({{5}, {6}}), half).admitted);
}

TEST(Failover, dedicated_hosts_are_empty_and_large_enough) {
    const FailoverSettings last{.policy = FailoverPolicy::dedicated, .dedicated = {2}};
    EXPECT_TRUE(admits_failover(cluster_of({{5, 5}, {9}, {}}), last).admitted);
    EXPECT_FALSE(admits_failover(cluster_of({{5}, {5}, {1}}), last).admitted);
    EXPECT_FALSE(admits_failover(cluster_of({{5}, {5}}),
                                 {.policy = FailoverPolicy::dedicated, .dedicated = {}})
                     .admitted);
}

TEST(Failover, can_be_disabled) {
    EXPECT_TRUE(
        admits_failover(cluster_of({{10}, {10}}), {.policy = FailoverPolicy::disabled}).admitted);
}

}  // namespace
}  // namespace drover::ha
