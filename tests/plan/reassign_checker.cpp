#include "reassign_checker.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drover::plan::judge {

using reassign::Assignment;
using reassign::Cost;
using reassign::Index;
using reassign::Problem;

namespace {

Cost needs(const Problem& problem, Index process, Index resource) {
    return problem.requirement[process * problem.resources + resource];
}

Cost used(const Problem& problem, const Assignment& assignment, Index machine, Index resource) {
    Cost sum = 0;
    for (Index process = 0; process < problem.processes; ++process) {
        if (assignment[process] == machine) sum += needs(problem, process, resource);
    }
    return sum;
}

std::string violation_of(const Problem& problem, const Assignment& original,
                         const Assignment& assignment) {
    std::map<Index, std::vector<Index>> machines_of;
    for (Index process = 0; process < problem.processes; ++process) {
        machines_of[problem.service[process]].push_back(assignment[process]);
    }
    for (Index machine = 0; machine < problem.machines; ++machine) {
        for (Index resource = 0; resource < problem.resources; ++resource) {
            Cost sum = used(problem, assignment, machine, resource);
            for (Index process = 0; process < problem.processes; ++process) {
                const bool left = original[process] == machine && assignment[process] != machine;
                if (left && problem.transient[resource]) sum += needs(problem, process, resource);
            }
            if (sum > problem.capacity[machine * problem.resources + resource]) return "capacity";
        }
    }
    const auto places = [&](Index service, const std::vector<Index>& kind) {
        std::set<Index> found;
        for (const auto machine : machines_of[service]) found.insert(kind[machine]);
        return found;
    };
    for (Index service = 0; service < problem.services; ++service) {
        const auto& machines = machines_of[service];
        if (std::set(machines.begin(), machines.end()).size() != machines.size()) return "conflict";
        if (places(service, problem.location).size() < problem.spread[service]) return "spread";
        const auto own = places(service, problem.neighbourhood);
        for (const auto other : problem.needs[service]) {
            if (!std::ranges::includes(places(other, problem.neighbourhood), own)) {
                return "dependency";
            }
        }
    }
    return "";
}

}  // namespace

Verdict check_assignment(const Problem& problem, const Assignment& original,
                         const Assignment& assignment) {
    Verdict verdict;
    verdict.violation = violation_of(problem, original, assignment);
    for (Index machine = 0; machine < problem.machines; ++machine) {
        const auto first = machine * problem.resources;
        for (Index resource = 0; resource < problem.resources; ++resource) {
            const Cost over =
                used(problem, assignment, machine, resource) - problem.safety[first + resource];
            if (over > 0) verdict.cost += problem.load_weight[resource] * over;
        }
        for (const auto& balance : problem.balances) {
            const auto free = [&](Index resource) {
                return problem.capacity[first + resource] -
                       used(problem, assignment, machine, resource);
            };
            const Cost lacking = balance.target * free(balance.first) - free(balance.second);
            if (lacking > 0) verdict.cost += balance.weight * lacking;
        }
    }
    std::map<Index, Cost> moved;
    Cost most = 0;
    for (Index process = 0; process < problem.processes; ++process) {
        const auto from = original[process];
        const auto to = assignment[process];
        verdict.cost += problem.machine_move_weight *
                        (from == to ? 0 : problem.move_cost[from * problem.machines + to]);
        if (from == to) continue;
        verdict.cost += problem.process_move_weight * problem.process_cost[process];
        most = std::max(most, ++moved[problem.service[process]]);
    }
    verdict.cost += problem.service_move_weight * most;
    return verdict;
}

}  // namespace drover::plan::judge
