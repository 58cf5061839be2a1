// plan_roadef: solves instances of the machine reassignment challenge, to judge the search by.

#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <expected>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "plan/reassign/solve.hpp"

namespace {

using namespace drover::plan;
using Clock = std::chrono::steady_clock;

struct Options {
    std::string model;
    std::string assignment;
    std::string output;
    double seconds = 60;
    std::uint64_t seed = 1;
    unsigned threads = 2;
    bool cpu_time = false;
};

// Of all threads: what they got of a machine that does other things too.
double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string text_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    // Large models have tens of megabytes.
    if (!file || !(text << file.rdbuf())) throw std::runtime_error("can't read " + path);
    return std::move(text).str();
}

template <class Value>
Value or_throw(std::expected<Value, std::string> parsed, const std::string& path) {
    if (!parsed) throw std::runtime_error(path + ": " + parsed.error());
    return std::move(*parsed);
}

// Each piece on a thread of its own.
reassign::Crew crew_of(unsigned size) {
    return {.size = size, .run_all = [size](const std::function<void(unsigned)>& piece) {
                std::vector<std::jthread> threads;
                for (unsigned at = 1; at < size; ++at) threads.emplace_back(piece, at);
                piece(0);
            }};
}

reassign::Solution search(const reassign::Problem& problem, const reassign::Assignment& original,
                          const Options& options, Clock::time_point start) {
    const auto seconds_used = [&] {
        const std::chrono::duration<double> past = Clock::now() - start;
        return options.cpu_time ? cpu_seconds() / options.threads : past.count();
    };
    // What is left to do in the end, writing and giving back memory, takes far less than reading,
    // which tells how large it is and how busy the machine.
    const double reserve = 0.2 + seconds_used() / 4;
    Effort effort;
    effort.iterations = std::numeric_limits<std::uint64_t>::max();
    effort.progress = [&] { return (seconds_used() + reserve) / options.seconds; };
    return reassign::solve(problem, original, options.seed, effort, crew_of(options.threads));
}

void run(const Options& options) {
    const auto start = Clock::now();
    const auto problem =
        or_throw(reassign::parse_problem(text_of_file(options.model)), options.model);
    const auto original = or_throw(
        reassign::parse_assignment(text_of_file(options.assignment), problem), options.assignment);
    const auto best = search(problem, original, options, start);
    std::ofstream output(options.output);
    for (std::size_t at = 0; at < best.assignment.size(); ++at) {
        output << (at == 0 ? "" : " ") << best.assignment[at];
    }
    output << '\n';
    if (!output.flush()) throw std::runtime_error("can't write " + options.output);
    fmt::print("{}\n", best.cost);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Reassigns processes to machines; prints the cost of what it wrote.",
                 "plan_roadef");
    Options options;
    app.add_option("model", options.model, "the instance")->required();
    app.add_option("assignment", options.assignment, "its original assignment")->required();
    app.add_option("output", options.output, "where the new assignment goes")->required();
    app.add_option("--seconds", options.seconds, "at most so long")
        ->check(CLI::Range(0.3, 86400.0))
        ->capture_default_str();
    app.add_option("--seed", options.seed, "of the search")->capture_default_str();
    app.add_option("--threads", options.threads, "that search at the same time")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_flag("--cpu-time", options.cpu_time, "count the threads' average CPU time instead");
    CLI11_PARSE(app, argc, argv);
    try {
        run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "plan_roadef: {}\n", error.what());
        return 1;
    }
    return 0;
}
