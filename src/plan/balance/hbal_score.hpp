#pragma once

// The score that Ganeti's balancer, hbal, gives a cluster, so that both can be compared on its own
// ground: the sum of the standard deviations over the hosts of free memory, virtual CPUs per core,
// CPU load, memory load, and (disk and network load being given as 0.01 for each machine) the
// number of machines. Loads are in units of the smallest host, as hbal's input has them.

#include <array>
#include <cstddef>
#include <vector>

#include "plan/model/state.hpp"

namespace drover::plan {

class HbalScore {
public:
    /// What hbal's input says of a machine; the snapshot has no place for it.
    struct Machine {
        double memory_mib = 0;
        double vcpus = 0;
        double cpu_load = 0;
        double memory_load = 0;
    };
    struct Host {
        double total_memory_mib = 0;  ///< what the host itself uses included
        double own_memory_mib = 0;    ///< used by the host itself
        double cores = 0;
    };

    HbalScore(const State& state, const std::vector<Host>& hosts,
              const std::vector<Machine>& machines);

    double cost() const { return cost_; }
    double move_delta(const State& state, MachineIndex machine, HostIndex to) const;
    double swap_delta(const State& state, MachineIndex one, MachineIndex two) const;
    /// To be told before the state changes.
    void will_move(const State& state, MachineIndex machine, HostIndex to);

private:
    static constexpr std::size_t kMetrics = 6;  // one is padding, for the vector unit
    using Row = std::array<double, kMetrics>;
    Row change(MachineIndex machine, HostIndex host) const;
    double score(const Row& sums, const Row& squares) const;
    double score_with(HostIndex one, const Row& one_change, HostIndex two,
                      const Row& two_change) const;

    std::vector<Row> scale_;   // of a host: how a machine's figures count there
    std::vector<Row> weight_;  // of a machine
    std::vector<Row> value_;   // of a host, now
    Row sums_{};
    Row squares_{};
    double per_host_ = 0;
    double cost_ = 0;
};

}  // namespace drover::plan
