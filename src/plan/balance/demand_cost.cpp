#include "plan/balance/demand_cost.hpp"

#include <algorithm>

namespace drover::plan {

DemandCost::DemandCost(const State& state, const CostWeights& weights,
                       std::vector<double> move_costs)
    : weights_(weights), move_costs_(std::move(move_costs)) {
    if (weights_.memory_knee <= 0) weights_.memory_knee = weights_.knee;
    const auto& cluster = state.cluster();
    const auto& hosts = cluster.snapshot().hosts;
    double usual_mhz = 0;
    for (const auto& host : hosts) usual_mhz += host.cpu_mhz;
    usual_mhz /= static_cast<double>(std::max<std::size_t>(hosts.size(), 1));
    for (const auto& host : hosts) {
        rows_.push_back({host.cpu_mhz > 0 ? 1 / host.cpu_mhz : 0,
                         host.memory_bytes > 0 ? 1 / host.memory_bytes : 0,
                         host.network_bytes_per_s > 0 ? 1 / host.network_bytes_per_s : 0,
                         usual_mhz > 0 ? host.cpu_mhz / usual_mhz : 1});
    }
    for (HostIndex at = 0; at < rows_.size(); ++at) {
        host_cost_.push_back(cost_with(at, state.load(at)));
        cost_ += host_cost_.back();
    }
    for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
        const auto host = state.host_of(at);
        if (host == kNone) continue;
        if (!move_costs_.empty() && host != cluster.snapshot().machines[at].host) {
            cost_ += move_costs_[at];
        }
        cost_ += weights_.disliked * cluster.dislikes(at, host);
        for (const auto& talk : cluster.talks(at)) {
            if (talk.other > at && state.host_of(talk.other) != host) {
                cost_ += weights_.traffic_byte_s * talk.bytes_per_s;
            }
        }
    }
}

double DemandCost::cost_with(HostIndex host, const Load& load) const {
    const auto& row = rows_[host];
    return row.size * (part_cost(load.cpu_demand_mhz * row.per_mhz, weights_.knee) +
                       part_cost(load.memory_demand_bytes * row.per_byte, weights_.memory_knee) +
                       part_cost(load.network_bytes_per_s * row.per_byte_s, weights_.network_knee));
}

double DemandCost::pressure(const State& state, HostIndex host) const {
    const auto& load = state.load(host);
    return std::max({load.cpu_demand_mhz * rows_[host].per_mhz,
                     load.memory_demand_bytes * rows_[host].per_byte,
                     load.network_bytes_per_s * rows_[host].per_byte_s});
}

double DemandCost::extra_delta(const State& state, MachineIndex machine, HostIndex from,
                               HostIndex to) const {
    const auto& cluster = state.cluster();
    double delta = 0;
    if (!move_costs_.empty()) {
        const auto home = cluster.snapshot().machines[machine].host;
        delta += move_costs_[machine] * ((to != home) - (from != home));
    }
    if (cluster.has_dislikes()) {
        const auto there = static_cast<double>(cluster.dislikes(machine, to));
        const auto here = from == kNone ? 0.0 : cluster.dislikes(machine, from);
        delta += weights_.disliked * (there - here);
    }
    for (const auto& talk : cluster.talks(machine)) {
        const auto other = state.host_of(talk.other);
        if (other == kNone) continue;
        delta += weights_.traffic_byte_s * talk.bytes_per_s * ((other != to) - (other != from));
    }
    return delta;
}

double DemandCost::move_delta(const State& state, MachineIndex machine, HostIndex to) const {
    const auto from = state.host_of(machine);
    const auto& load = state.cluster().load(machine);
    double delta = cost_with(to, state.load(to) + load) - host_cost_[to];
    if (from != kNone) delta += cost_with(from, state.load(from) - load) - host_cost_[from];
    return delta + extra_delta(state, machine, from, to);
}

double DemandCost::swap_delta(const State& state, MachineIndex one, MachineIndex two) const {
    const auto first = state.host_of(one);
    const auto second = state.host_of(two);
    const auto change = state.cluster().load(two) - state.cluster().load(one);
    double delta = cost_with(first, state.load(first) + change) - host_cost_[first] +
                   cost_with(second, state.load(second) - change) - host_cost_[second] +
                   extra_delta(state, one, first, second) + extra_delta(state, two, second, first);
    // Two that change places and talk to each other stay as far apart as they were.
    for (const auto& talk : state.cluster().talks(one)) {
        if (talk.other == two) delta += 2 * weights_.traffic_byte_s * talk.bytes_per_s;
    }
    return delta;
}

void DemandCost::will_move(const State& state, MachineIndex machine, HostIndex to) {
    const auto from = state.host_of(machine);
    if (from == to) return;
    const auto& load = state.cluster().load(machine);
    cost_ += extra_delta(state, machine, from, to);
    if (from != kNone) {
        const double after = cost_with(from, state.load(from) - load);
        cost_ += after - host_cost_[from];
        host_cost_[from] = after;
    }
    const double after = cost_with(to, state.load(to) + load);
    cost_ += after - host_cost_[to];
    host_cost_[to] = after;
}

}  // namespace drover::plan
