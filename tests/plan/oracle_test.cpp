// The planner against an exact solver (CBC) on small clusters. DROVER_PLAN_ORACLE=100 tries so
// many, 55-100 those; a few are tried always.
//
// The cost of a host is convex, so the solver gets it from below, as the largest of many tangents:
// what it proves is a bound for every placement, and the planner's true cost is compared with that
// bound.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "plan/balance/balance.hpp"

namespace drover::plan::judge {
namespace {

constexpr double kKnee = 0.75;
constexpr double kSteepness = 20;

Snapshot small_case(std::mt19937_64& random) {
    Snapshot snapshot;
    const auto hosts = 3 + random() % 8;
    for (std::size_t at = 0; at < hosts; ++at) {
        Host host;
        host.name = "h" + std::to_string(at);
        host.cpu_mhz = 10000;
        host.memory_bytes = random() % 2 == 0 ? 100000 : 150000;
        snapshot.hosts.push_back(host);
    }
    const auto machines = std::min<std::size_t>(60, hosts * (3 + random() % 4));
    for (std::size_t at = 0; at < machines; ++at) {
        Machine machine;
        machine.name = "m" + std::to_string(at);
        machine.cpu_demand_mhz = 200 + static_cast<double>(random() % 2500);
        machine.memory_configured_bytes = 1000 + static_cast<double>(random() % 15000);
        machine.memory_demand_bytes = machine.memory_configured_bytes * 0.7;
        double used = 0;
        do {
            machine.host = static_cast<HostIndex>(random() % hosts);
            used = machine.memory_configured_bytes;
            for (const auto& other : snapshot.machines) {
                if (other.host == machine.host) used += other.memory_configured_bytes;
            }
        } while (used > snapshot.hosts[machine.host].memory_bytes);
        snapshot.machines.push_back(machine);
    }
    Rule apart{.name = "apart", .kind = RuleKind::keep_apart, .machines = {0, 1, 2}};
    if (random() % 2 == 0) snapshot.rules.push_back(apart);
    return snapshot;
}

class LinearProgram {
public:
    explicit LinearProgram(const Snapshot& snapshot, double move_cost)
        : snapshot_(snapshot), move_cost_(move_cost) {}

    std::string text() {
        std::ostringstream objective;
        const auto hosts = snapshot_.hosts.size();
        for (std::size_t h = 0; h < hosts; ++h) objective << " + c" << h << " + r" << h;
        for (std::size_t m = 0; m < snapshot_.machines.size(); ++m) {
            for (std::size_t h = 0; h < hosts; ++h) {
                if (h != snapshot_.machines[m].host) {
                    objective << " + " << move_cost_ << ' ' << x(m, h);
                }
            }
            std::string sum;
            for (std::size_t h = 0; h < hosts; ++h) sum += " + " + x(m, h);
            row(sum + " = 1");
        }
        for (std::size_t h = 0; h < hosts; ++h) add_host(h);
        for (const auto& rule : snapshot_.rules) {
            for (std::size_t h = 0; h < hosts; ++h) {
                std::string sum;
                for (const auto m : rule.machines) sum += " + " + x(m, h);
                row(sum + " <= 1");
            }
        }
        std::ostringstream all;
        all << "Minimize\n obj:" << objective.str() << "\nSubject To\n"
            << rows_.str() << "Binaries\n";
        for (std::size_t m = 0; m < snapshot_.machines.size(); ++m) {
            for (std::size_t h = 0; h < hosts; ++h) all << ' ' << x(m, h) << '\n';
        }
        all << "End\n";
        return in_short_lines(all.str());
    }

private:
    // CBC reads a kilobyte of a line at a time, and stumbles over what stands across the border.
    static std::string in_short_lines(std::string text) {
        std::size_t start = 0;
        for (std::size_t at = 0; at + 1 < text.size(); ++at) {
            if (text[at] == '\n') start = at;
            const bool ends = text[at] == ' ' && (text[at + 1] == '+' || text[at + 1] == '-');
            if (ends && at - start > 200) {
                text[at] = '\n';
                start = at;
            }
        }
        return text;
    }
    static std::string x(std::size_t machine, std::size_t host) {
        return "x" + std::to_string(machine) + "_" + std::to_string(host);
    }
    void row(const std::string& body) { rows_ << " e" << count_++ << ":" << body << '\n'; }

    void add_host(std::size_t h) {
        const auto& host = snapshot_.hosts[h];
        std::string memory;
        std::ostringstream cpu_part;
        std::ostringstream memory_part;
        for (std::size_t m = 0; m < snapshot_.machines.size(); ++m) {
            const auto& machine = snapshot_.machines[m];
            memory += " + " + std::to_string(machine.memory_configured_bytes) + " " + x(m, h);
            cpu_part << " - " << machine.cpu_demand_mhz / host.cpu_mhz << ' ' << x(m, h);
            memory_part << " - " << machine.memory_demand_bytes / host.memory_bytes << ' '
                        << x(m, h);
        }
        row(memory + " <= " + std::to_string(host.memory_bytes));
        row(" u" + std::to_string(h) + cpu_part.str() + " = 0");
        row(" v" + std::to_string(h) + memory_part.str() + " = 0");
        tangents("c" + std::to_string(h), "u" + std::to_string(h));
        tangents("r" + std::to_string(h), "v" + std::to_string(h));
    }

    void tangents(const std::string& cost, const std::string& part) {
        for (double at = 0.01; at < 1.6; at += at < 1 ? 0.02 : 0.1) {
            const double over = std::max(0.0, at - kKnee);
            const double value = at * at + kSteepness * over * over;
            const double slope = 2 * at + 2 * kSteepness * over;
            std::ostringstream line;
            line << ' ' << cost << " - " << slope << ' ' << part << " >= " << value - slope * at;
            row(line.str());
        }
    }

    const Snapshot& snapshot_;
    double move_cost_;
    std::ostringstream rows_;
    std::size_t count_ = 0;
};

// What CBC has proved: no placement costs less. Nothing if there is no CBC.
std::optional<double> proved_bound(const std::string& program, int seconds) {
    const auto folder = std::filesystem::temp_directory_path();
    const auto base = folder / ("drover-oracle-" + std::to_string(::getpid()));
    const auto model = base.string() + ".lp";
    std::ofstream(model) << program;
    const auto command =
        "cbc " + model + " sec " + std::to_string(seconds) + " ratio 0.004 solve 2>&1";
    std::string output;
    if (FILE* pipe = ::popen(command.c_str(), "r")) {
        char buffer[4096];
        while (const auto size = std::fread(buffer, 1, sizeof buffer, pipe)) {
            output.append(buffer, size);
        }
        ::pclose(pipe);
    }
    std::filesystem::remove(model);
    std::smatch found;
    if (std::regex_search(output, found, std::regex("Lower bound:\\s+([-0-9.e+]+)"))) {
        return std::stod(found[1]);
    }
    if (std::regex_search(output, found, std::regex("Objective value:\\s+([-0-9.e+]+)"))) {
        return std::stod(found[1]);
    }
    return std::nullopt;
}

// "100": the first hundred; "55-100": those.
std::pair<std::uint64_t, std::uint64_t> range_of(const std::string& text) {
    const auto dash = text.find('-');
    if (dash == std::string::npos) return {1, std::stoull(text)};
    return {std::stoull(text.substr(0, dash)), std::stoull(text.substr(dash + 1))};
}

TEST(Oracle, the_plan_is_within_a_hundredth_of_the_optimum) {
    if (std::system("command -v cbc >/dev/null") != 0) GTEST_SKIP() << "cbc is not installed";
    const char* many = std::getenv("DROVER_PLAN_ORACLE");
    const auto [first, last] = range_of(many ? many : "2");
    double worst = 1;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        std::mt19937_64 random(seed);
        const auto snapshot = small_case(random);
        const double move_cost = 0.002;
        const Cluster cluster(snapshot);
        BalanceOptions options;
        options.seed = seed;
        options.weights = {.knee = kKnee, .steepness = kSteepness};
        options.move_costs.assign(snapshot.machines.size(), move_cost);
        options.effort.iterations = 400'000;
        const auto plan = balance(cluster, options);
        const auto program = LinearProgram(snapshot, move_cost).text();
        auto bound = proved_bound(program, 5);
        // What is missing may be the proof.
        if (!bound || plan.cost_after > 1.01 * *bound) bound = proved_bound(program, 200);
        EXPECT_TRUE(bound) << "seed " << seed << ": no bound";
        if (!bound) continue;
        worst = std::max(worst, plan.cost_after / *bound);
        std::printf("case %llu: %.6f, bound %.6f, %.4f\n", static_cast<unsigned long long>(seed),
                    plan.cost_after, *bound, plan.cost_after / *bound);
        std::fflush(stdout);
        EXPECT_LE(plan.cost_after, 1.01 * *bound) << "seed " << seed;
        EXPECT_GE(plan.cost_after, *bound * 0.999) << "seed " << seed << ": not a bound";
    }
    std::printf("at most %.4f times the bound in cases %llu to %llu\n", worst,
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
}

}  // namespace
}  // namespace drover::plan::judge
