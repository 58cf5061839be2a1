// How planning grows with the cluster: plan_scale [HOSTS MACHINES]...
// Rules, networks, datastores and failure domains are in play. Times are of the thread's CPU.

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "plan/drs/decision.hpp"
#include "plan/drs/placement.hpp"

namespace {

using namespace drover::plan;

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr double kGibibyte = 1024.0 * 1024 * 1024;

Machine random_machine(std::mt19937_64& random, std::size_t number) {
    Machine machine;
    machine.name = "vm" + std::to_string(number);
    machine.vcpus = static_cast<std::uint32_t>(1U << (random() % 4));
    machine.memory_configured_bytes = machine.vcpus * 2 * kGibibyte;
    machine.memory_overhead_bytes = 0.1 * kGibibyte;
    machine.memory_demand_bytes =
        machine.memory_configured_bytes * (0.2 + 0.01 * static_cast<double>(random() % 60));
    machine.cpu_demand_mhz = machine.vcpus * static_cast<double>(random() % 900);
    machine.networks = {random() % 10 == 0 ? "storage" : "lan"};
    machine.datastores = {"ds" + std::to_string(random() % 4)};
    if (random() % 20 == 0) machine.memory.reservation = machine.memory_configured_bytes / 2;
    return machine;
}

Snapshot make_cluster(std::size_t hosts, std::size_t machines, std::size_t to_place) {
    std::mt19937_64 random(1);
    Snapshot snapshot;
    for (std::size_t at = 0; at < hosts; ++at) {
        Host host;
        host.name = "host" + std::to_string(at);
        host.cpu_mhz = at % 4 == 0 ? 128000 : 96000;
        host.memory_bytes =
            (at % 4 == 0 ? 1024 : 768) * kGibibyte *
            std::max(1.0, static_cast<double>(machines) / 50.0 / static_cast<double>(hosts));
        host.networks = {"lan"};
        if (at % 2 == 0) host.networks.emplace_back("storage");
        for (std::size_t store = 0; store < 4; ++store) {
            if ((at + store) % 8 != 0) host.datastores.push_back("ds" + std::to_string(store));
        }
        host.failure_domain = "rack" + std::to_string(at / 20);
        snapshot.hosts.push_back(host);
    }
    std::vector<double> held(hosts);
    for (std::size_t at = 0; at < machines + to_place; ++at) {
        auto machine = random_machine(random, at);
        while (at < machines && machine.host == kNone) {
            // Half of the hosts get two thirds.
            auto host = random() % hosts;
            if (host % 4 > 1 && random() % 2 == 0) host = (host + 2) % hosts;
            const auto& there = snapshot.hosts[host];
            const auto has = [](const std::vector<std::string>& list, const std::string& name) {
                return std::ranges::find(list, name) != list.end();
            };
            if (!has(there.networks, machine.networks[0]) ||
                !has(there.datastores, machine.datastores[0]) ||
                held[host] + machine.memory_configured_bytes * 1.2 > there.memory_bytes) {
                continue;
            }
            held[host] += machine.memory_configured_bytes + machine.memory_overhead_bytes;
            machine.host = static_cast<HostIndex>(host);
        }
        snapshot.machines.push_back(std::move(machine));
    }
    for (std::size_t at = 0; at + 4 < machines; at += 100) {
        Rule rule{.name = "rule" + std::to_string(at)};
        const auto first = static_cast<MachineIndex>(at);
        rule.machines = {first, first + 1, first + 2};
        rule.kind = at % 300 == 0 ? RuleKind::spread : RuleKind::keep_apart;
        snapshot.rules.push_back(rule);
    }
    return snapshot;
}

void measure_placements(const Cluster& cluster, std::size_t machines, std::vector<double>& times) {
    State state(cluster);
    DemandCost cost(state, {});
    for (auto at = static_cast<MachineIndex>(machines); at < cluster.machine_count(); ++at) {
        const double start = cpu_seconds();
        const auto choices = recommend_hosts(state, cost, at);
        if (!choices.empty()) {
            cost.will_move(state, at, choices.front().host);
            state.move(at, choices.front().host);
        }
        times.push_back(cpu_seconds() - start);
    }
    std::ranges::sort(times);
}

void measure(std::size_t hosts, std::size_t machines) {
    constexpr std::size_t kToPlace = 1000;
    auto snapshot = make_cluster(hosts, machines, kToPlace);
    const DrsSettings settings{.threshold = 4, .max_moves = 1'000'000};
    double start = cpu_seconds();
    std::size_t moves = 0;
    {
        const Cluster cluster(snapshot);
        const auto decision = decide(cluster, settings);
        moves = decision.migrations.steps.size();
        for (MachineIndex at = 0; at < snapshot.machines.size(); ++at) {
            snapshot.machines[at].host = decision.hosts_after[at];
        }
    }
    const double full_s = cpu_seconds() - start;
    // A hundredth of the machines demands something else now.
    std::mt19937_64 random(2);
    for (std::size_t at = 0; at < machines / 100; ++at) {
        snapshot.machines[random() % machines].cpu_demand_mhz =
            static_cast<double>(random() % 4000);
    }
    start = cpu_seconds();
    const Cluster cluster(snapshot);
    const auto again = decide(cluster, settings).migrations.steps.size();
    const double again_s = cpu_seconds() - start;
    std::vector<double> times;
    measure_placements(cluster, machines, times);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    fmt::print(
        "{:5} hosts {:6} machines: full plan {:.2f} s ({} moves), again {:.2f} s ({} moves), "
        "placement p50 {:.0f} us, p99 {:.0f} us, RSS {} MiB\n",
        hosts, machines, full_s, moves, again_s, again, times[times.size() / 2] * 1e6,
        times[times.size() * 99 / 100] * 1e6, usage.ru_maxrss / 1024);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        for (const std::size_t hosts : {10UL, 32UL, 96UL, 300UL, 1000UL})
            measure(hosts, hosts * 50);
        measure(96, 10000);
    }
    for (int at = 1; at + 1 < argc; at += 2) {
        measure(std::strtoul(argv[at], nullptr, 10), std::strtoul(argv[at + 1], nullptr, 10));
    }
    return 0;
}
