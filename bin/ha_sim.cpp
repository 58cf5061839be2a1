// ha_sim: the product's high-availability state machine in simulated worlds. Exit code 1 and the
// seed when something that must hold does not.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "ha/protocol/rules.hpp"
#include "world.hpp"

namespace {

using namespace drover::ha;

// Mutants: first a rule dropped, then a mistake of an adapter.
constexpr std::array<std::string_view, 5> kAdapterNames{
    "adapter: wall_clock", "adapter: lonely_fencer", "adapter: hostd_is_life",
    "adapter: pause_is_assumed", "adapter: waits_for_all"};
constexpr std::size_t kMutants = kRuleCount + kAdapterNames.size();

// Where a mutant shows soonest; one that is not named here is looked for in all worlds.
std::string_view home_of(std::size_t mutant) {
    static constexpr std::array<std::pair<Rule, std::string_view>, 26> homes{{
        {Rule::unguarded_is_alive, "unguarded"},
        {Rule::takeover_waits, "short_gaps"},
        {Rule::late_ack_is_void, "thaw"},
        {Rule::silence_until_sent_read, "late_reads"},
        {Rule::promise_of_own_epoch, "slot_order"},
        {Rule::permit_within_promise, "slot_order"},
        {Rule::short_promise_first, "quorum_lost"},
        {Rule::one_slot_write, "slot_order"},
        {Rule::unreadable_is_unknown, "torn_slots"},
        {Rule::silence_in_named_etcd, "replaced_etcd"},
        {Rule::etcd_counts_when_named, "replaced_etcd"},
        {Rule::leases_before_slots, "chaos"},
        {Rule::newer_epoch_waits, "storm"},
        {Rule::join_when_quiet, "stuck_writes"},
        {Rule::restarted_agent_joins_anew, "repeated_moves"},
        {Rule::permit_checked_at_start, "late_starts"},
        {Rule::stuck_writes_reset, "stuck_writes"},
        {Rule::watchdog_on_fresh_ack, "stuck_writes"},
        {Rule::accept_needs_permit, "broken_moves"},
        {Rule::accept_needs_named_epoch, "repeated_moves"},
        {Rule::successor_counts_as_owner, "broken_moves"},
        {Rule::source_ends_after_hand_over, "repeated_moves"},
        {Rule::declined_stays_declined, "repeated_moves"},
        {Rule::unread_holds_up_nobody, "second_datastore"},
        {Rule::dependencies_wait, "crowd"},
        {Rule::parallel_starts_bounded, "crowd"},
    }};
    for (const auto& [rule, home] : homes) {
        if (static_cast<std::size_t>(rule) == mutant) return home;
    }
    return {};
}

std::string_view name_of(std::size_t mutant) {
    return mutant < kRuleCount ? rule_names()[mutant] : kAdapterNames[mutant - kRuleCount];
}

struct Options {
    std::uint64_t first = 1;
    std::uint64_t count = 100;
    int mutant = -1;
    bool all_mutants = false;
    bool list = false;
    bool trace = false;
    std::string ledger;
    std::string profile;
};

struct Result {
    sim::World::Counts counts;
    sim::World::Timings timings;
    std::uint64_t seeds = 0;
    std::uint64_t violated_seed = 0;
    std::string violation;
};

sim::AdapterFault set_mutant(int mutant) {
    const auto which = static_cast<std::size_t>(mutant);
    const bool is_rule = mutant >= 0 && which < kRuleCount;
    dropped_rule = is_rule ? which : kRuleCount;
    if (mutant < 0 || is_rule) return sim::AdapterFault::none;
    return static_cast<sim::AdapterFault>(which - kRuleCount + 1);
}

// `count` worlds of the profile; of any if it is empty.
Result run(std::uint64_t first, std::uint64_t count, int mutant, std::string_view profile = {},
           bool trace = false) {
    const auto adapter = set_mutant(mutant);
    Result result;
    for (std::uint64_t seed = first; result.seeds < count; ++seed) {
        if (!profile.empty() && sim::profile_of(seed) != profile) continue;
        const auto outcome = sim::run_seed(seed, adapter, trace);
        ++result.seeds;
        result.counts.add(outcome.counts);
        const auto join = [](auto& all, const auto& more) {
            all.insert(all.end(), more.begin(), more.end());
        };
        if (outcome.kind == "blade") {
            join(result.timings.detected_s, outcome.timings.detected_s);
            join(result.timings.running_s, outcome.timings.running_s);
        }
        if (outcome.violation.empty()) continue;
        result.violated_seed = seed;
        result.violation = fmt::format("{} ({})", outcome.violation, outcome.kind);
        break;
    }
    return result;
}

void print_times(std::string_view what, std::vector<double> seconds) {
    if (seconds.empty()) return;
    std::ranges::sort(seconds);
    const auto part = [&](double quantile) {
        return seconds[static_cast<std::size_t>(quantile *
                                                static_cast<double>(seconds.size() - 1))];
    };
    fmt::print("blade pulled, {}: {} times, median {:.2f} s, p99 {:.2f} s, max {:.2f} s\n", what,
               seconds.size(), part(0.5), part(0.99), seconds.back());
}

void print_result(const Result& result) {
    const auto& counts = result.counts;
    fmt::print(
        "{} seeds, {} events, {} faults: {} joins, {} permits lost, {} takes, {} resumes, "
        "{} resets, {} by the watchdog; {} migrations, {} handed over, {} claimed, {} "
        "declined; {} adopted; {} writes, {} rejected; {} powered off; {} machines lost in "
        "storms\n",
        result.seeds, counts.events, counts.faults, counts.joins, counts.permits_lost, counts.takes,
        counts.resumes, counts.resets, counts.watchdog_resets, counts.migrations,
        counts.handed_over, counts.claims, counts.declined, counts.adopted, counts.writes,
        counts.rejected, counts.powered_off, counts.lost_machines);
    print_times("detected", result.timings.detected_s);
    print_times("running again", result.timings.running_s);
}

int run_mutants(const Options& options) {
    int alive = 0;
    for (std::size_t mutant = 0; mutant < kMutants; ++mutant) {
        const auto home =
            options.profile.empty() ? home_of(mutant) : std::string_view(options.profile);
        const auto result = run(options.first, options.count, static_cast<int>(mutant), home);
        if (result.violation.empty()) {
            ++alive;
            fmt::print("{:2} {:32} ALIVE after {} seeds\n", mutant, name_of(mutant), result.seeds);
        } else {
            fmt::print("{:2} {:32} killed by seed {} (the {}.): {}\n", mutant, name_of(mutant),
                       result.violated_seed, result.seeds, result.violation);
        }
        std::fflush(stdout);
    }
    return alive == 0 ? 0 : 1;
}

// A line for each hundred seeds; a ledger that is there already is gone on with.
int run_ledger(const Options& options) {
    constexpr std::uint64_t kChunk = 100;
    std::uint64_t next = options.first;
    {
        std::ifstream old(options.ledger);
        std::uint64_t first = 0;
        std::uint64_t past = 0;
        std::string verdict;
        while (old >> first >> past >> verdict) {
            if (verdict == "ok" && first <= next && past > next) next = past;
        }
    }
    const std::uint64_t end = options.first + options.count;
    std::ofstream ledger(options.ledger, std::ios::app);
    while (next < end) {
        const auto count = std::min(kChunk, end - next);
        const auto result = run(next, count, -1);
        if (!result.violation.empty()) {
            ledger << next << ' ' << next + count << " violated-" << result.violated_seed << '\n';
            fmt::print("seed {}: {}\n", result.violated_seed, result.violation);
            return 1;
        }
        ledger << next << ' ' << next + count << " ok\n" << std::flush;
        next += count;
    }
    fmt::print("{} seeds, 0 violations\n", options.count);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("High availability in simulated worlds, by seed.", "ha_sim");
    Options options;
    app.add_option("--first", options.first, "seed")->capture_default_str();
    app.add_option("--count", options.count, "so many seeds")->capture_default_str();
    app.add_option("--mutant", options.mutant, "drop this rule of the protocol")
        ->check(CLI::Range(0, static_cast<int>(kMutants) - 1));
    app.add_flag("--mutants", options.all_mutants, "one after the other; exit 1 if one survives");
    app.add_flag("--list", options.list, "the mutants");
    app.add_flag("--trace", options.trace, "what happens, as it happens");
    app.add_option("--ledger", options.ledger, "where what has been run is kept, to go on later");
    app.add_option("--profile", options.profile,
                   "only worlds of this kind: see tests/ha/README.md");
    CLI11_PARSE(app, argc, argv);
    const bool is_known = options.profile.empty() || [&] {
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            if (sim::profile_of(seed) == options.profile) return true;
        }
        return false;
    }();
    if (!is_known) {
        fmt::print(stderr, "there is no profile {}\n", options.profile);
        return 2;
    }
    if (options.list) {
        for (std::size_t at = 0; at < kMutants; ++at) fmt::print("{:2} {}\n", at, name_of(at));
        return 0;
    }
    if (options.all_mutants) return run_mutants(options);
    if (!options.ledger.empty()) return run_ledger(options);
    const auto result =
        run(options.first, options.count, options.mutant, options.profile, options.trace);
    print_result(result);
    if (result.violation.empty()) return 0;
    fmt::print("seed {}: {}\n", result.violated_seed, result.violation);
    return 1;
}
