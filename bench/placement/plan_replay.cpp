// A day of real demand, minute by minute, under three ways to balance:
//     plan_replay FOLDER [HOSTS] [MACHINES] [SEED] [THRESHOLD]
// FOLDER has a file for each machine, with a line of CPU % and memory % for every five minutes.
//
// "none" leaves everything where it starts. "threshold" is what scripts do: from a host over 80 %
// the machine that brings it just below goes to the least busy host, if that stays below. "drs" is
// plan::decide once a minute, with the demand of the last minutes. Where demand exceeds a host, the
// rest is unmet.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "plan/drs/decision.hpp"
#include "plan/drs/forecast.hpp"

namespace {

using namespace drover::plan;

constexpr double kGibibyte = 1024.0 * 1024 * 1024;
constexpr int kMinutes = 24 * 60;
constexpr int kMinutesASample = 5;

struct Trace {
    std::vector<double> cpu;
    std::vector<double> memory;
};

std::vector<Trace> read_traces(const std::string& folder, std::size_t count, std::uint64_t seed) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::mt19937_64 random(seed);
    std::ranges::shuffle(paths, random);
    std::vector<Trace> traces;
    for (const auto& path : paths) {
        if (traces.size() == count) break;
        Trace trace;
        std::ifstream file(path);
        for (double cpu = 0, memory = 0; file >> cpu >> memory;) {
            trace.cpu.push_back(cpu / 100);
            trace.memory.push_back(memory / 100);
        }
        if (trace.cpu.size() * kMinutesASample >= kMinutes) traces.push_back(std::move(trace));
    }
    return traces;
}

Snapshot make_cluster(std::size_t hosts, std::size_t machines, std::uint64_t seed) {
    std::mt19937_64 random(seed + 1000);
    Snapshot snapshot;
    for (std::size_t at = 0; at < machines; ++at) {
        Machine machine;
        machine.name = "vm" + std::to_string(at);
        machine.vcpus = static_cast<std::uint32_t>(1U << (random() % 4));
        machine.memory_configured_bytes = machine.vcpus * 4 * kGibibyte;
        machine.host = static_cast<HostIndex>(at % hosts);
        machine.dirty_bytes_per_s = 20e6;
        snapshot.machines.push_back(machine);
    }
    return snapshot;
}

double demanded_cpu(const Machine& machine, const Trace& trace, int minute) {
    return trace.cpu[static_cast<std::size_t>(minute / kMinutesASample)] * machine.vcpus * 2500;
}
double demanded_memory(const Machine& machine, const Trace& trace, int minute) {
    return trace.memory[static_cast<std::size_t>(minute / kMinutesASample)] *
           machine.memory_configured_bytes;
}

struct Figures {
    double demanded_ghz_h = 0;
    double unmet_ghz_h = 0;
    double unmet_gib_h = 0;
    double moved_gib = 0;
    std::size_t moves = 0;
    std::size_t most_in_an_hour = 0;
    std::size_t again = 0;  ///< moves that a second run after moves wanted
    double mean_imbalance = 0;
};

class Replay {
public:
    Replay(Snapshot snapshot, const std::vector<Trace>& traces, int drs_threshold)
        : snapshot_(std::move(snapshot)),
          traces_(traces),
          cpu_(traces.size()),
          memory_(traces.size()),
          moved_at_(traces.size()) {
        settings_.threshold = drs_threshold;
    }

    Figures run(const std::string& policy) {
        for (minute_ = 0; minute_ < kMinutes; ++minute_) {
            forecast();
            if (minute_ >= 5 && policy == "drs") drs();
            if (minute_ >= 5 && policy == "threshold") threshold();
            account();
        }
        for (const auto& times : moved_at_) {
            for (std::size_t at = 0; at < times.size(); ++at) {
                std::size_t within = 0;
                for (auto next = at; next < times.size() && times[next] < times[at] + 60; ++next) {
                    ++within;
                }
                figures_.most_in_an_hour = std::max(figures_.most_in_an_hour, within);
            }
        }
        figures_.mean_imbalance /= kMinutes;
        return figures_;
    }

private:
    void forecast() {
        for (std::size_t at = 0; at < traces_.size(); ++at) {
            auto& machine = snapshot_.machines[at];
            cpu_[at].add(demanded_cpu(machine, traces_[at], minute_));
            memory_[at].add(demanded_memory(machine, traces_[at], minute_));
            machine.cpu_demand_mhz = cpu_[at].value();
            machine.memory_demand_bytes = memory_[at].value();
            machine.moves_last_hour = static_cast<std::uint32_t>(std::ranges::count_if(
                moved_at_[at], [this](int when) { return when > minute_ - 60; }));
        }
    }

    void move(MachineIndex machine, HostIndex to) {
        snapshot_.machines[machine].host = to;
        figures_.moved_gib += snapshot_.machines[machine].memory_configured_bytes / kGibibyte;
        ++figures_.moves;
        moved_at_[machine].push_back(minute_);
    }

    void drs() {
        const auto decision = decide(Cluster(snapshot_), settings_);
        for (const auto& step : decision.migrations.steps) move(step.machine, step.to);
        if (decision.migrations.steps.empty()) return;
        figures_.again += decide(Cluster(snapshot_), settings_).migrations.steps.size();
    }

    void threshold() {
        constexpr double kHigh = 0.8;
        for (int times = 0; times < 20; ++times) {
            const Cluster cluster(snapshot_);
            const State state(cluster);
            const auto part = [&](HostIndex host) {
                const auto& there = snapshot_.hosts[host];
                return std::max(state.load(host).cpu_demand_mhz / there.cpu_mhz,
                                state.load(host).memory_demand_bytes / there.memory_bytes);
            };
            HostIndex busiest = 0;
            HostIndex idlest = 0;
            for (HostIndex host = 0; host < snapshot_.hosts.size(); ++host) {
                if (part(host) > part(busiest)) busiest = host;
                if (part(host) < part(idlest)) idlest = host;
            }
            if (part(busiest) <= kHigh) return;
            const auto& there = snapshot_.hosts[busiest];
            const double excess = (part(busiest) - kHigh) * there.cpu_mhz;
            MachineIndex chosen = kNone;
            for (const auto machine : state.machines_on(busiest)) {
                if (!state.may_move(machine, idlest)) continue;
                const double there_mhz = snapshot_.hosts[idlest].cpu_mhz;
                const double after =
                    state.load(idlest).cpu_demand_mhz + snapshot_.machines[machine].cpu_demand_mhz;
                if (after > kHigh * there_mhz) continue;
                const auto size = [&](MachineIndex at) {
                    const double demand = snapshot_.machines[at].cpu_demand_mhz;
                    return demand >= excess ? demand : 1e9 - demand;
                };
                if (chosen == kNone || size(machine) < size(chosen)) chosen = machine;
            }
            if (chosen == kNone) return;
            move(chosen, idlest);
        }
    }

    void account() {
        std::vector<double> cpu(snapshot_.hosts.size());
        std::vector<double> memory(snapshot_.hosts.size());
        for (std::size_t at = 0; at < traces_.size(); ++at) {
            const auto& machine = snapshot_.machines[at];
            cpu[machine.host] += demanded_cpu(machine, traces_[at], minute_);
            memory[machine.host] += demanded_memory(machine, traces_[at], minute_);
        }
        double sum = 0;
        double squares = 0;
        for (std::size_t host = 0; host < cpu.size(); ++host) {
            const auto& there = snapshot_.hosts[host];
            figures_.demanded_ghz_h += cpu[host] / 1000 / 60;
            figures_.unmet_ghz_h += std::max(0.0, cpu[host] - there.cpu_mhz) / 1000 / 60;
            figures_.unmet_gib_h +=
                std::max(0.0, memory[host] - there.memory_bytes) / kGibibyte / 60;
            sum += cpu[host] / there.cpu_mhz;
            squares += std::pow(cpu[host] / there.cpu_mhz, 2);
        }
        const auto count = static_cast<double>(cpu.size());
        figures_.mean_imbalance +=
            std::sqrt(std::max(0.0, squares / count - std::pow(sum / count, 2)));
    }

    Snapshot snapshot_;
    const std::vector<Trace>& traces_;
    std::vector<DemandForecast> cpu_;
    std::vector<DemandForecast> memory_;
    std::vector<std::vector<int>> moved_at_;
    DrsSettings settings_;
    Figures figures_;
    int minute_ = 0;
};

// Hosts that are four fifths busy on the average of the day: tight, as real ones are.
void size_hosts(Snapshot& snapshot, const std::vector<Trace>& traces, std::size_t hosts) {
    double cpu = 0;
    double memory = 0;
    double configured = 0;
    for (std::size_t at = 0; at < traces.size(); ++at) {
        const auto& machine = snapshot.machines[at];
        configured += machine.memory_configured_bytes;
        for (int minute = 0; minute < kMinutes; minute += kMinutesASample) {
            cpu += demanded_cpu(machine, traces[at], minute);
            memory += demanded_memory(machine, traces[at], minute);
        }
    }
    constexpr double kSamples = static_cast<double>(kMinutes) / kMinutesASample;
    const auto count = static_cast<double>(hosts);
    for (std::size_t at = 0; at < hosts; ++at) {
        Host host;
        host.name = "host" + std::to_string(at);
        host.cpu_mhz = cpu / kSamples / count / 0.8;
        host.memory_bytes = std::max(configured / count * 1.25, memory / kSamples / count / 0.8);
        snapshot.hosts.push_back(host);
    }
    snapshot.memory_overcommit = 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "plan_replay FOLDER [HOSTS] [MACHINES] [SEED] [THRESHOLD]\n");
        return 1;
    }
    const auto number = [&](int at, std::size_t otherwise) {
        return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
    };
    const auto hosts = number(2, 16);
    const auto seed = number(4, 1);
    const auto traces = read_traces(argv[1], number(3, 240), seed);
    auto snapshot = make_cluster(hosts, traces.size(), seed);
    size_hosts(snapshot, traces, hosts);
    for (const std::string policy : {"none", "threshold", "drs"}) {
        const auto got = Replay(snapshot, traces, static_cast<int>(number(5, 3))).run(policy);
        fmt::print(
            "{:9}: {:.1f} of {:.0f} GHz h unmet, {:.1f} GiB h; {} moves, {:.0f} GiB; at most "
            "{} of a machine in an hour; imbalance {:.3f}; a second run: {} moves\n",
            policy, got.unmet_ghz_h, got.demanded_ghz_h, got.unmet_gib_h, got.moves, got.moved_gib,
            got.most_in_an_hour, got.mean_imbalance, got.again);
    }
    return 0;
}
