#include "plan/balance/hbal_score.hpp"

#include <algorithm>
#include <cmath>

namespace drover::plan {

namespace {

// Disk and network load weigh 1 each and are the same.
constexpr double kMachineLoad = 0.02;

}  // namespace

HbalScore::HbalScore(const State& state, const std::vector<Host>& hosts,
                     const std::vector<Machine>& machines) {
    per_host_ = 1.0 / static_cast<double>(std::max<std::size_t>(hosts.size(), 1));
    for (const auto& host : hosts) {
        scale_.push_back({-1 / host.total_memory_mib, 1 / host.cores, 1, 1, 1, 0});
        const double free = 1 - host.own_memory_mib / host.total_memory_mib;
        value_.push_back({free, 0, 0, 0, 0, 0});
    }
    for (const auto& machine : machines) {
        weight_.push_back({machine.memory_mib, machine.vcpus, machine.cpu_load, machine.memory_load,
                           kMachineLoad, 0});
    }
    for (MachineIndex at = 0; at < machines.size(); ++at) {
        const auto host = state.host_of(at);
        if (host == kNone) continue;
        const auto row = change(at, host);
        for (std::size_t k = 0; k < kMetrics; ++k) value_[host][k] += row[k];
    }
    for (const auto& row : value_) {
        for (std::size_t k = 0; k < kMetrics; ++k) {
            sums_[k] += row[k];
            squares_[k] += row[k] * row[k];
        }
    }
    cost_ = score(sums_, squares_);
}

HbalScore::Row HbalScore::change(MachineIndex machine, HostIndex host) const {
    Row row;
    for (std::size_t k = 0; k < kMetrics; ++k) row[k] = weight_[machine][k] * scale_[host][k];
    return row;
}

double HbalScore::score(const Row& sums, const Row& squares) const {
    Row deviation;
    for (std::size_t k = 0; k < kMetrics; ++k) {
        const double mean = sums[k] * per_host_;
        deviation[k] = std::sqrt(std::max(0.0, squares[k] * per_host_ - mean * mean));
    }
    double total = 0;
    for (const double part : deviation) total += part;
    return total;
}

double HbalScore::score_with(HostIndex one, const Row& one_change, HostIndex two,
                             const Row& two_change) const {
    Row sums;
    Row squares;
    const auto& first = value_[one];
    const auto& second = value_[two];
    for (std::size_t k = 0; k < kMetrics; ++k) {
        sums[k] = sums_[k] + one_change[k] + two_change[k];
        squares[k] = squares_[k] + one_change[k] * (2 * first[k] + one_change[k]) +
                     two_change[k] * (2 * second[k] + two_change[k]);
    }
    return score(sums, squares);
}

double HbalScore::move_delta(const State& state, MachineIndex machine, HostIndex to) const {
    const auto from = state.host_of(machine);
    auto lost = change(machine, from);
    for (auto& part : lost) part = -part;
    return score_with(from, lost, to, change(machine, to)) - cost_;
}

double HbalScore::swap_delta(const State& state, MachineIndex one, MachineIndex two) const {
    const auto first = state.host_of(one);
    const auto second = state.host_of(two);
    Row difference;
    for (std::size_t k = 0; k < kMetrics; ++k) difference[k] = weight_[two][k] - weight_[one][k];
    Row first_change;
    Row second_change;
    for (std::size_t k = 0; k < kMetrics; ++k) {
        first_change[k] = difference[k] * scale_[first][k];
        second_change[k] = -difference[k] * scale_[second][k];
    }
    return score_with(first, first_change, second, second_change) - cost_;
}

void HbalScore::will_move(const State& state, MachineIndex machine, HostIndex to) {
    const auto from = state.host_of(machine);
    if (from == to) return;
    const auto lost = change(machine, from);
    const auto gained = change(machine, to);
    for (std::size_t k = 0; k < kMetrics; ++k) {
        auto& left = value_[from][k];
        auto& right = value_[to][k];
        squares_[k] += (left - lost[k]) * (left - lost[k]) - left * left +
                       (right + gained[k]) * (right + gained[k]) - right * right;
        sums_[k] += gained[k] - lost[k];
        left -= lost[k];
        right += gained[k];
    }
    cost_ = score(sums_, squares_);
}

}  // namespace drover::plan
