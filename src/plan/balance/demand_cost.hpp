#pragma once

// What a placement costs by the demand on its hosts. For CPU, memory and network each, a host that
// is busy to the part u costs u^2, and beyond the knee much more: evenness is worth little,
// shortage a lot. It is weighed by the host's size, so that for a given demand equal parts cost
// least.
//
// Further terms: should-rules that are broken, and bytes between machines that talk to each other
// over the network. And what a machine's move costs, once, wherever it goes.

#include <vector>

#include "plan/model/state.hpp"

namespace drover::plan {

struct CostWeights {
    double knee = 0.75;
    double steepness = 20;
    double disliked = 0.2;      ///< of one machine on a host that a should-rule speaks against
    double traffic_byte_s = 0;  ///< of a byte a second between two hosts
    double memory_knee = 0;     ///< 0: the same as for CPU
    double network_knee = 0.75;
};

class DemandCost {
public:
    /// `move_costs`: by machine, for being elsewhere than in the snapshot; empty: none.
    DemandCost(const State& state, const CostWeights& weights, std::vector<double> move_costs = {});

    double cost() const { return cost_; }
    double move_delta(const State& state, MachineIndex machine, HostIndex to) const;
    double swap_delta(const State& state, MachineIndex one, MachineIndex two) const;
    /// To be told before the state changes.
    void will_move(const State& state, MachineIndex machine, HostIndex to);
    /// What the demand on a host costs.
    double host_cost(HostIndex host) const { return host_cost_[host]; }
    double cost_with(HostIndex host, const Load& load) const;
    /// By how much the host is busy, of what is scarcest there: where to look first.
    double pressure(const State& state, HostIndex host) const;

private:
    double extra_delta(const State& state, MachineIndex machine, HostIndex from,
                       HostIndex to) const;
    double part_cost(double part, double knee) const {
        const double over = part > knee ? part - knee : 0;
        return part * part + weights_.steepness * over * over;
    }

    CostWeights weights_;
    std::vector<double> move_costs_;
    struct HostRow {
        double per_mhz = 0;
        double per_byte = 0;
        double per_byte_s = 0;  ///< of the network
        double size = 0;
    };
    std::vector<HostRow> rows_;
    std::vector<double> host_cost_;
    double cost_ = 0;
};

}  // namespace drover::plan
