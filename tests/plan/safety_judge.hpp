#pragma once

// Watches migrations as they happen and says which promise was broken. Written from the promises,
// not from the planner: it adds everything up again after every event.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/model/snapshot.hpp"
#include "plan/steps/migration_plan.hpp"

namespace drover::plan::judge {

class SafetyJudge {
public:
    explicit SafetyJudge(const Snapshot& snapshot);

    void started(const Step& step);
    void succeeded(const Step& step);
    void failed(const Step& step);

    /// What is wrong now that was not wrong at the start; empty: nothing.
    std::string complaint() const;
    const std::vector<HostIndex>& places() const { return place_; }

private:
    struct Sums {
        double held = 0;
        double memory_reserved = 0;
        double cpu_reserved = 0;
    };
    // A machine on the way is at both ends.
    std::set<HostIndex> places_of(MachineIndex machine) const;
    Sums sums_on(HostIndex host) const;
    std::set<std::pair<MachineIndex, MachineIndex>> close_pairs(const Rule& rule) const;
    std::size_t apart_from_most(const Rule& rule) const;
    std::size_t domains(const Rule& rule) const;
    bool may_be_there(MachineIndex machine, HostIndex host) const;
    bool bundle_under_way(const Rule& rule) const;
    std::string complaint_about_hosts() const;
    std::string complaint_about(RuleIndex index) const;

    const Snapshot& snapshot_;
    std::vector<HostIndex> place_;
    std::map<MachineIndex, HostIndex> coming_;
    // Of bundles of which somebody has started: who is not where they all were before or shall be.
    std::map<std::uint32_t, std::map<MachineIndex, Step>> bundles_;
    std::vector<Sums> first_sums_;
    std::vector<std::set<std::pair<MachineIndex, MachineIndex>>> first_pairs_;
    std::vector<std::size_t> first_apart_;
    std::vector<std::size_t> first_domains_;
    std::map<std::uint32_t, std::set<MachineIndex>> members_;

public:
    /// Which machines belong to which bundle.
    void expect(const std::vector<Step>& steps);
};

}  // namespace drover::plan::judge
