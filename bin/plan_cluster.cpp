// plan_cluster: plans a cluster that is given as a file, to judge the planner by.

#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "plan/balance/balance.hpp"

namespace {

using namespace drover::plan;
using Clock = std::chrono::steady_clock;

constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr double kCoreMhz = 1000;
constexpr double kOwnMemoryMib = 2048;  // of a host; its "mem" is without

struct Input {
    Snapshot snapshot;
    std::vector<HbalScore::Host> hbal_hosts;
    std::vector<HbalScore::Machine> hbal_machines;
};

double rounded(double value) {
    return std::round(value * 1e4) / 1e4;
}

Input read_input(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("can't read " + path);
    const auto document = nlohmann::json::parse(file);
    Input input;
    std::unordered_map<std::string, HostIndex> index_of;
    double unit_memory = 0;
    double unit_cores = 0;
    for (const auto& item : document.at("hosts")) {
        Host host;
        host.name = item.at("name");
        const double memory_mib = item.at("mem");
        const double cores = item.at("cores");
        host.memory_bytes = memory_mib * kMebibyte;
        host.cpu_mhz = cores * kCoreMhz;
        index_of[host.name] = static_cast<HostIndex>(input.snapshot.hosts.size());
        input.snapshot.hosts.push_back(std::move(host));
        const double total_mib = memory_mib + kOwnMemoryMib;
        input.hbal_hosts.push_back({total_mib, kOwnMemoryMib, cores});
        unit_memory = unit_memory == 0 ? total_mib : std::min(unit_memory, total_mib);
        unit_cores = unit_cores == 0 ? cores : std::min(unit_cores, cores);
    }
    for (const auto& item : document.at("vms")) {
        Machine machine;
        machine.name = item.at("name");
        machine.host = index_of.at(item.at("node").get<std::string>());
        machine.vcpus = item.at("vcpu");
        const double memory_mib = item.at("mem");
        const double active_mib = item.at("mact");
        const double cores = item.at("cpu");
        machine.memory_configured_bytes = memory_mib * kMebibyte;
        machine.memory_demand_bytes = (active_mib + 0.25 * (memory_mib - active_mib)) * kMebibyte;
        machine.cpu_demand_mhz = cores * kCoreMhz;
        input.snapshot.machines.push_back(std::move(machine));
        input.hbal_machines.push_back({memory_mib, item.at("vcpu"), rounded(cores / unit_cores),
                                       rounded(active_mib / unit_memory)});
    }
    return input;
}

struct Options {
    std::string cluster;
    std::size_t moves = static_cast<std::size_t>(-1);
    double seconds = 10;
    std::uint64_t seed = 1;
    unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 2U);
    std::string objective = "demand";
    bool descent = false;
    bool cpu_time = false;
};

// Of this thread: what it got of a machine that does other things too.
double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void print_plan(const Snapshot& snapshot, const BalancePlan& plan) {
    fmt::print("# cost {:.6f} -> {:.6f}, {} moves\n", plan.cost_before, plan.cost_after,
               plan.migrations.steps.size());
    for (const auto& step : plan.migrations.steps) {
        const auto& machine = snapshot.machines[step.machine];
        fmt::print("# {}: from {}, {:.2f} cores and {:.0f} MiB demanded{}{}\n", machine.name,
                   snapshot.hosts[step.from].name, machine.cpu_demand_mhz / kCoreMhz,
                   machine.memory_demand_bytes / kMebibyte,
                   step.after.empty() ? "" : fmt::format(", after {} others", step.after.size()),
                   step.steps_aside ? ", steps aside" : "");
        fmt::print("{} {}\n", machine.name, snapshot.hosts[step.to].name);
    }
    for (const auto& blocked : plan.migrations.blocked) {
        fmt::print("# {} stays: {}\n", snapshot.machines[blocked.machine].name, blocked.reason);
    }
}

BalancePlan plan_with(const Options& options, const Input& input, const Cluster& cluster,
                      unsigned thread, Clock::time_point start) {
    BalanceOptions balance_options;
    balance_options.max_moves = options.moves;
    balance_options.seed = options.seed * 1000 + thread;
    balance_options.anneal = !options.descent;
    // So many that the count, not the clock, ends the search where nothing else runs.
    balance_options.effort.iterations = static_cast<std::uint64_t>(options.seconds * 40e6);
    balance_options.effort.progress = [start, &options] {
        const std::chrono::duration<double> past = Clock::now() - start;
        // A tenth is for reading, ordering and printing.
        return (options.cpu_time ? cpu_seconds() : past.count()) / (0.9 * options.seconds);
    };
    return options.objective == "hbal"
               ? balance_for_hbal(cluster, input.hbal_hosts, input.hbal_machines, balance_options)
               : balance(cluster, balance_options);
}

// As many searches as threads, each with a seed of its own; the best of them.
void run(const Options& options) {
    const auto start = Clock::now();
    const auto input = read_input(options.cluster);
    const Cluster cluster(input.snapshot);
    std::vector<BalancePlan> plans(options.descent ? 1 : options.threads);
    std::vector<std::jthread> workers;
    for (unsigned at = 0; at < plans.size(); ++at) {
        workers.emplace_back(
            [&, at] { plans[at] = plan_with(options, input, cluster, at, start); });
    }
    workers.clear();
    print_plan(input.snapshot, *std::ranges::min_element(plans, {}, &BalancePlan::cost_after));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Plans the migrations of a cluster: one 'machine destination' a line, in order.",
                 "plan_cluster");
    Options options;
    app.add_option("cluster", options.cluster, "hosts and machines as JSON")->required();
    app.add_option("--moves", options.moves, "at most so many migrations");
    app.add_option("--seconds", options.seconds, "at most so long")
        ->check(CLI::Range(0.01, 86400.0))
        ->capture_default_str();
    app.add_option("--seed", options.seed, "of the search")->capture_default_str();
    app.add_option("--threads", options.threads, "searches side by side")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--objective", options.objective, "what is made small")
        ->check(CLI::IsMember({"demand", "hbal"}))
        ->capture_default_str();
    app.add_flag("--descent", options.descent, "the best move again and again, and no more");
    app.add_flag("--cpu-time", options.cpu_time, "count CPU time instead of the clock's");
    CLI11_PARSE(app, argc, argv);
    try {
        run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "plan_cluster: {}\n", error.what());
        return 1;
    }
    return 0;
}
