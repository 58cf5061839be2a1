#include "plan/reassign/problem.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace drover::plan::reassign {

namespace {

constexpr Cost kMost = 1'000'000;  // of machines, processes, ...: bounds what a file can ask for
constexpr Cost kMostRoom = Cost{1} << 31;

class Numbers {
public:
    explicit Numbers(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    Cost next() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
        Cost value = 0;
        const auto [stop, error] = std::from_chars(at_, end_, value);
        if (error != std::errc{}) throw std::runtime_error("number " + place() + " is missing");
        at_ = stop;
        ++count_;
        return value;
    }
    Index next_below(Cost bound, std::string_view what) {
        const Cost value = next();
        if (value < 0 || value >= bound) {
            throw std::runtime_error(std::string(what) + " (number " + place() +
                                     ") is out of range");
        }
        return static_cast<Index>(value);
    }
    /// Onto the end of a list.
    template <class Number>
    void next_below(Cost bound, std::size_t count, std::string_view what,
                    std::vector<Number>& list) {
        for (std::size_t at = 0; at < count; ++at) {
            list.push_back(static_cast<Number>(next_below(bound, what)));
        }
    }
    /// No more than so many can follow.
    std::size_t most_left() const { return static_cast<std::size_t>(end_ - at_ + 1) / 2; }
    bool at_end() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
        return at_ == end_;
    }

private:
    std::string place() const { return std::to_string(count_); }
    const char* at_;
    const char* end_;
    std::size_t count_ = 0;
};

void read_machines(Numbers& numbers, Problem& problem) {
    problem.machines = numbers.next_below(20'000, "the number of machines");
    // By far the largest; growing would take twice as much for a moment.
    const auto pairs = std::size_t{problem.machines} * problem.machines;
    problem.move_cost.reserve(std::min(pairs, numbers.most_left()));
    for (Index machine = 0; machine < problem.machines; ++machine) {
        problem.neighbourhood.push_back(numbers.next_below(kMost, "a neighbourhood"));
        problem.location.push_back(numbers.next_below(kMost, "a location"));
        problem.neighbourhoods = std::max(problem.neighbourhoods, problem.neighbourhood.back() + 1);
        problem.locations = std::max(problem.locations, problem.location.back() + 1);
        numbers.next_below(kMostRoom, problem.resources, "a capacity", problem.capacity);
        numbers.next_below(kMostRoom, problem.resources, "a safety capacity", problem.safety);
        numbers.next_below(kMostRoom, problem.machines, "a move cost", problem.move_cost);
    }
}

void read_services(Numbers& numbers, Problem& problem) {
    problem.services = numbers.next_below(kMost, "the number of services");
    problem.needs.resize(problem.services);
    problem.needed_by.resize(problem.services);
    for (Index service = 0; service < problem.services; ++service) {
        problem.spread.push_back(numbers.next_below(kMost, "a spread"));
        const auto count = numbers.next_below(problem.services + Cost{1}, "dependencies");
        for (Index at = 0; at < count; ++at) {
            const auto other = numbers.next_below(problem.services, "a dependency");
            problem.needs[service].push_back(other);
            problem.needed_by[other].push_back(service);
        }
    }
}

void read_processes(Numbers& numbers, Problem& problem) {
    problem.processes = numbers.next_below(kMost, "the number of processes");
    for (Index process = 0; process < problem.processes; ++process) {
        problem.service.push_back(numbers.next_below(problem.services, "a service"));
        numbers.next_below(kMostRoom, problem.resources, "a requirement", problem.requirement);
        problem.process_cost.push_back(numbers.next());
    }
}

Problem read_problem(std::string_view text) {
    Numbers numbers(text);
    Problem problem;
    problem.resources = numbers.next_below(1000, "the number of resources");
    for (Index resource = 0; resource < problem.resources; ++resource) {
        problem.transient.push_back(numbers.next() != 0);
        problem.load_weight.push_back(numbers.next());
    }
    read_machines(numbers, problem);
    read_services(numbers, problem);
    read_processes(numbers, problem);
    const auto balances = numbers.next_below(kMost, "the number of balance costs");
    for (Index at = 0; at < balances; ++at) {
        Balance balance;
        balance.first = numbers.next_below(problem.resources, "a resource");
        balance.second = numbers.next_below(problem.resources, "a resource");
        balance.target = numbers.next();
        balance.weight = numbers.next();
        problem.balances.push_back(balance);
    }
    problem.process_move_weight = numbers.next();
    problem.service_move_weight = numbers.next();
    problem.machine_move_weight = numbers.next();
    if (!numbers.at_end()) throw std::runtime_error("there is more than the model");
    return problem;
}

}  // namespace

std::expected<Problem, std::string> parse_problem(std::string_view text) {
    try {
        return read_problem(text);
    } catch (const std::runtime_error& error) {
        return std::unexpected(std::string(error.what()));
    }
}

std::expected<Assignment, std::string> parse_assignment(std::string_view text,
                                                        const Problem& problem) {
    try {
        Numbers numbers(text);
        Assignment assignment;
        for (Index process = 0; process < problem.processes; ++process) {
            assignment.push_back(numbers.next_below(problem.machines, "a machine"));
        }
        if (!numbers.at_end()) return std::unexpected("there are more numbers than processes");
        return assignment;
    } catch (const std::runtime_error& error) {
        return std::unexpected(std::string(error.what()));
    }
}

}  // namespace drover::plan::reassign
