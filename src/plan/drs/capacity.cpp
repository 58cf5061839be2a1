#include "plan/drs/capacity.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "plan/admission/admission.hpp"

namespace drover::plan {

namespace {

constexpr std::size_t kMostCombinations = 2000;

std::uint64_t times(double room, double used, double each) {
    if (each <= 0) return std::numeric_limits<std::uint32_t>::max();
    const double count = std::floor((room - used) / each * (1 + 1e-12));
    return count <= 0 ? 0 : static_cast<std::uint64_t>(std::min(count, 4e9));
}

// Those on the lost hosts go where the least memory is left over.
bool place_tightly(State& state, MachineIndex machine, std::span<const HostIndex> lost) {
    HostIndex best = kNone;
    double least = std::numeric_limits<double>::infinity();
    for (HostIndex host = 0; host < state.cluster().host_count(); ++host) {
        if (std::ranges::find(lost, host) != lost.end() || !state.may_move(machine, host)) continue;
        const double left =
            state.cluster().room(host).memory_held_bytes - state.load(host).memory_held_bytes;
        if (left >= least) continue;
        least = left;
        best = host;
    }
    if (best == kNone) return false;
    state.move(machine, best);
    return true;
}

std::vector<MachineIndex> stranded_in(State& state, std::span<const HostIndex> lost) {
    const auto& cluster = state.cluster();
    std::vector<std::pair<MachineIndex, HostIndex>> down;
    for (const auto host : lost) {
        for (const auto machine : state.machines_on(host)) down.emplace_back(machine, host);
    }
    for (const auto& [machine, host] : down) state.move(machine, kNone);
    std::ranges::sort(down, std::greater{}, [&cluster](const auto& each) {
        return std::pair(cluster.load(each.first).memory_held_bytes, each.first);
    });
    std::vector<MachineIndex> stranded;
    for (const auto& [machine, host] : down) {
        if (!place_tightly(state, machine, lost)) stranded.push_back(machine);
    }
    for (const auto& [machine, host] : down) state.move(machine, host);
    return stranded;
}

// All sets of `count` of the hosts, or those of the fullest ones if there are too many.
std::vector<std::vector<HostIndex>> sets_of(std::vector<HostIndex> hosts, std::uint32_t count,
                                            bool& exhaustive) {
    const auto combinations = [count](std::size_t from) {
        double product = 1;
        for (std::uint32_t at = 0; at < count; ++at) {
            product *= static_cast<double>(from - at) / (at + 1);
        }
        return product;
    };
    while (hosts.size() > count && combinations(hosts.size()) > kMostCombinations) {
        hosts.pop_back();
        exhaustive = false;
    }
    std::vector<std::vector<HostIndex>> sets;
    if (hosts.size() < count) return sets;
    std::vector<std::size_t> at(count);
    std::iota(at.begin(), at.end(), std::size_t{0});
    while (true) {
        sets.emplace_back();
        for (const auto index : at) sets.back().push_back(hosts[index]);
        std::size_t last = count;
        while (last > 0 && at[last - 1] == hosts.size() - count + last - 1) --last;
        if (last == 0) return sets;
        ++at[last - 1];
        for (auto next = last; next < count; ++next) at[next] = at[next - 1] + 1;
    }
}

}  // namespace

std::uint64_t how_many_fit(const Snapshot& snapshot, const Machine& shape, std::uint64_t limit) {
    Snapshot with = snapshot;
    with.machines.push_back(shape);
    with.machines.back().host = kNone;
    const auto index = static_cast<MachineIndex>(with.machines.size() - 1);
    const Cluster cluster(with);
    const State state(cluster);
    const auto load = cluster.load(index);
    std::uint64_t sum = 0;
    for (HostIndex host = 0; host < cluster.host_count() && sum < limit; ++host) {
        if (!cluster.allowed(index, host)) continue;
        const auto& room = cluster.room(host);
        const auto& used = state.load(host);
        sum +=
            std::min({times(room.memory_held_bytes, used.memory_held_bytes, load.memory_held_bytes),
                      times(room.memory_reserved_bytes, used.memory_reserved_bytes,
                            load.memory_reserved_bytes),
                      times(room.cpu_reserved_mhz, used.cpu_reserved_mhz, load.cpu_reserved_mhz)});
    }
    sum = std::min(sum, limit);
    // The pools: as many as are admitted at once.
    const auto each = reservation_of(shape);
    std::uint64_t low = 0;
    while (low < sum) {
        const auto middle = low + (sum - low + 1) / 2;
        const auto many = static_cast<double>(middle);
        if (admit(snapshot, shape.pool, {each.cpu_mhz * many, each.memory_bytes * many})) {
            sum = middle - 1;
        } else {
            low = middle;
        }
    }
    return sum;
}

std::vector<MachineIndex> stranded_without(const Cluster& cluster,
                                           std::span<const HostIndex> lost) {
    State state(cluster);
    return stranded_in(state, lost);
}

FailoverCapacity failover_capacity(const Snapshot& snapshot, std::uint32_t at_most) {
    const Cluster cluster(snapshot);
    State state(cluster);
    std::vector<HostIndex> hosts;
    for (HostIndex host = 0; host < cluster.host_count(); ++host) {
        if (snapshot.hosts[host].usable) hosts.push_back(host);
    }
    std::ranges::sort(hosts, std::greater{},
                      [&state](HostIndex host) { return state.load(host).memory_held_bytes; });
    FailoverCapacity capacity;
    for (std::uint32_t count = 1; count <= at_most && count < hosts.size(); ++count) {
        for (const auto& lost : sets_of(hosts, count, capacity.exhaustive)) {
            auto stranded = stranded_in(state, lost);
            if (stranded.empty()) continue;
            capacity.fatal = lost;
            capacity.stranded = std::move(stranded);
            return capacity;
        }
        capacity.hosts = count;
    }
    return capacity;
}

}  // namespace drover::plan
