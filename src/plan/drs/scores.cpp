#include <algorithm>

#include "plan/drs/decision.hpp"
#include "plan/entitlement/divvy.hpp"

namespace drover::plan {

std::vector<double> drs_scores(const State& state) {
    const auto& snapshot = state.cluster().snapshot();
    std::vector<double> scores(snapshot.machines.size(), 100);
    for (HostIndex host = 0; host < snapshot.hosts.size(); ++host) {
        const auto& machines = state.machines_on(host);
        std::vector<Claim> cpu;
        std::vector<Claim> memory;
        for (const auto at : machines) {
            const auto& machine = snapshot.machines[at];
            cpu.push_back({machine.cpu.reservation, machine.cpu.limit, machine.cpu.shares,
                           machine.cpu_demand_mhz});
            memory.push_back({machine.memory.reservation, machine.memory.limit,
                              machine.memory.shares, machine.memory_demand_bytes});
        }
        const auto cpu_parts = divvy(snapshot.hosts[host].cpu_mhz, cpu);
        const auto memory_parts = divvy(snapshot.hosts[host].memory_bytes, memory);
        // Whoever shares an adapter that is too small gets the same part of what it wants.
        const double network_bytes_per_s = snapshot.hosts[host].network_bytes_per_s;
        const double wanted_bytes_per_s = state.load(host).network_bytes_per_s;
        const double network = network_bytes_per_s > 0 && wanted_bytes_per_s > network_bytes_per_s
                                   ? network_bytes_per_s / wanted_bytes_per_s
                                   : 1;
        for (std::size_t at = 0; at < machines.size(); ++at) {
            const auto part = [](double given, double demand) {
                return demand > 0 ? std::min(1.0, given / demand) : 1.0;
            };
            const bool talks = snapshot.machines[machines[at]].network_bytes_per_s > 0;
            scores[machines[at]] =
                100 * std::min({part(cpu_parts[at], cpu[at].demand),
                                part(memory_parts[at], memory[at].demand), talks ? network : 1});
        }
    }
    return scores;
}

}  // namespace drover::plan
