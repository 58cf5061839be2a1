#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

namespace {

using UnitIndex = std::uint32_t;  // steps that count as one: a single step or a bundle

class Orderer {
public:
    Orderer(const Cluster& cluster, const std::vector<HostIndex>& targets,
            const OrderOptions& options)
        : cluster_(cluster),
          options_(options),
          targets_(targets),
          worst_(cluster.host_count()),
          leaving_(cluster.host_count()),
          last_step_(cluster.machine_count(), kNone) {
        const auto& machines = cluster.snapshot().machines;
        position_.reserve(machines.size());
        for (MachineIndex at = 0; at < machines.size(); ++at) {
            position_.push_back(machines[at].host);
            if (machines[at].host != kNone) worst_[machines[at].host] += cluster.load(at);
        }
    }

    MigrationPlan run(const std::vector<MachineIndex>& priority) {
        collect(priority);
        while (!pending_.empty()) {
            if (list_possible()) continue;
            if (!options_.may_step_aside || !step_aside()) break;
        }
        for (const auto& members : pending_) {
            for (const auto machine : members) {
                plan_.blocked.push_back({machine, targets_[machine], why_blocked(machine)});
            }
        }
        return std::move(plan_);
    }

private:
    using Members = std::vector<MachineIndex>;
    struct Departure {
        UnitIndex unit;
        Load load;
    };

    bool moves(MachineIndex machine) const {
        return targets_[machine] != kNone && position_[machine] != kNone &&
               targets_[machine] != position_[machine];
    }

    void collect(const std::vector<MachineIndex>& priority) {
        std::vector<bool> seen(targets_.size());
        const auto add = [&](MachineIndex machine) {
            if (seen[machine] || !moves(machine)) return;
            Members members;
            if (cluster_.has_companions(machine)) {
                for (const auto each : cluster_.companions(machine)) {
                    if (moves(each)) members.push_back(each);
                    seen[each] = true;
                }
            } else {
                members.push_back(machine);
                seen[machine] = true;
            }
            pending_.push_back(std::move(members));
        };
        for (const auto machine : priority) add(machine);
        for (MachineIndex at = 0; at < targets_.size(); ++at) add(at);
    }

    bool list_possible() {
        bool any = false;
        std::vector<Members> left;
        for (auto& members : pending_) {
            if (plan_.steps.size() + members.size() <= options_.max_steps && list_unit(members)) {
                any = true;
            } else {
                left.push_back(std::move(members));
            }
        }
        pending_ = std::move(left);
        return any;
    }

    bool list_unit(const Members& members) {
        if (!companions_stay(members)) return false;
        std::set<UnitIndex> waits;
        std::map<HostIndex, Load> arriving;
        for (const auto machine : members) {
            const auto to = targets_[machine];
            if (!cluster_.allowed(machine, to)) return false;
            arriving[to] += cluster_.load(machine);
            if (!rules_hold(machine, to, members, waits)) return false;
        }
        for (const auto& [host, load] : arriving) {
            if (!find_room(host, load, waits)) return false;
        }
        append(members, targets_, waits, false);
        return true;
    }

    // Companions that are together, or nearly, are not parted for good; by each rule, as several
    // can tie a group.
    bool companions_stay(const Members& members) const {
        for (const auto machine : members) {
            for (const auto index : cluster_.rules_of(machine)) {
                const auto& rule = cluster_.snapshot().rules[index];
                if (rule.kind != RuleKind::keep_together) continue;
                if (most_together(rule, members) < most_together(rule, {})) return false;
            }
        }
        return true;
    }

    std::size_t most_together(const Rule& rule, const Members& moved) const {
        std::map<HostIndex, std::size_t> counts;
        std::size_t most = 0;
        for (const auto machine : rule.machines) {
            if (position_[machine] == kNone) continue;
            const bool moves = std::ranges::find(moved, machine) != moved.end();
            most = std::max(most, ++counts[moves ? targets_[machine] : position_[machine]]);
        }
        return most;
    }

    // Waits for as few departures as will do, the largest first.
    bool find_room(HostIndex host, const Load& load, std::set<UnitIndex>& waits) const {
        const auto& room = cluster_.room(host);
        Load sum = worst_[host] + load;
        std::vector<Departure> others;
        for (const auto& departure : leaving_[host]) {
            if (waits.contains(departure.unit)) {
                sum -= departure.load;
            } else {
                others.push_back(departure);
            }
        }
        if (fits(sum, room)) return true;
        std::ranges::sort(others, std::greater{}, [](const Departure& departure) {
            return std::pair(departure.load.memory_held_bytes, departure.unit);
        });
        for (const auto& departure : others) {
            sum -= departure.load;
            waits.insert(departure.unit);
            if (fits(sum, room)) return true;
        }
        return false;
    }

    bool rules_hold(MachineIndex machine, HostIndex to, const Members& together,
                    std::set<UnitIndex>& waits) const {
        for (const auto index : cluster_.rules_of(machine)) {
            const auto& rule = cluster_.snapshot().rules[index];
            if (rule.kind == RuleKind::keep_apart &&
                !stays_apart(rule, machine, to, together, waits)) {
                return false;
            }
            if (rule.kind == RuleKind::spread &&
                !stays_spread(rule, machine, to, together, waits)) {
                return false;
            }
        }
        return true;
    }

    bool was_ever_on(MachineIndex machine, HostIndex host) const {
        if (cluster_.snapshot().machines[machine].host == host) return true;
        const auto hops = hosts_on_the_way_.find(machine);
        return hops != hosts_on_the_way_.end() &&
               std::ranges::find(hops->second, host) != hops->second.end();
    }

    bool stays_apart(const Rule& rule, MachineIndex machine, HostIndex to, const Members& together,
                     std::set<UnitIndex>& waits) const {
        for (const auto other : rule.machines) {
            if (other == machine || position_[other] == kNone) continue;
            const bool is_member = std::ranges::find(together, other) != together.end();
            // Two of one bundle on one host would break the rule for good.
            if (is_member && targets_[other] == to) return false;
            if (position_[other] == to) return false;
            if (!was_ever_on(other, to)) continue;
            waits.insert(unit_of(last_step_[other]));
        }
        return true;
    }

    // Machines whose place is not certain while this step runs count for nothing; waiting for them
    // makes it certain.
    bool stays_spread(const Rule& rule, MachineIndex machine, HostIndex to, const Members& together,
                      std::set<UnitIndex>& waits) const {
        if (cluster_.domain(position_[machine]) == cluster_.domain(to)) return true;
        std::set<std::uint32_t> before;
        std::set<std::uint32_t> certain{cluster_.domain(to)};
        std::vector<MachineIndex> uncertain;
        for (const auto other : rule.machines) {
            const auto first = cluster_.snapshot().machines[other].host;
            if (first == kNone) continue;
            before.insert(cluster_.domain(first));
            if (other == machine) continue;
            // What moves in the same bundle may be at either end.
            if (std::ranges::find(together, other) != together.end()) continue;
            if (last_step_[other] == kNone) {
                certain.insert(cluster_.domain(position_[other]));
            } else if (waits.contains(unit_of(last_step_[other]))) {
                certain.insert(cluster_.domain(position_[other]));
            } else {
                uncertain.push_back(other);
            }
        }
        const auto needed = std::min<std::size_t>(rule.minimum_domains, before.size());
        for (const auto other : uncertain) {
            if (certain.size() >= needed) return true;
            if (!certain.insert(cluster_.domain(position_[other])).second) continue;
            waits.insert(unit_of(last_step_[other]));
        }
        return certain.size() >= needed;
    }

    UnitIndex unit_of(StepIndex step) const { return unit_of_step_[step]; }

    void append(const Members& members, const std::vector<HostIndex>& to,
                const std::set<UnitIndex>& waits, bool aside) {
        const auto unit = static_cast<UnitIndex>(units_.size());
        units_.emplace_back();
        std::vector<StepIndex> after;
        for (const auto each : waits) {
            after.insert(after.end(), units_[each].begin(), units_[each].end());
        }
        std::ranges::sort(after);
        const bool is_bundle = members.size() > 1;
        for (const auto machine : members) {
            const auto from = position_[machine];
            const auto index = static_cast<StepIndex>(plan_.steps.size());
            Step step{machine, from, to[machine], after, is_bundle ? unit : kNone, aside};
            if (last_step_[machine] != kNone) {
                step.after.push_back(last_step_[machine]);
                std::ranges::sort(step.after);
                const auto same = std::ranges::unique(step.after);
                step.after.erase(same.begin(), same.end());
            }
            plan_.steps.push_back(std::move(step));
            unit_of_step_.push_back(unit);
            units_[unit].push_back(index);
            leaving_[from].push_back({unit, cluster_.load(machine)});
            worst_[to[machine]] += cluster_.load(machine);
            hosts_on_the_way_[machine].push_back(to[machine]);
            position_[machine] = to[machine];
            last_step_[machine] = index;
        }
    }

    // The smallest machine of those that wait, out of the others' way.
    bool step_aside() {
        std::vector<std::size_t> order;
        for (std::size_t at = 0; at < pending_.size(); ++at) {
            const auto machine = pending_[at].front();
            // It will have moved twice.
            const bool rested = cluster_.snapshot().machines[machine].moves_last_hour == 0;
            if (rested && !cluster_.has_companions(machine) && last_step_[machine] == kNone) {
                order.push_back(at);
            }
        }
        std::ranges::sort(order, std::less{}, [this](std::size_t at) {
            return std::pair(cluster_.load(pending_[at].front()).memory_held_bytes, at);
        });
        // Two steps for it, and room for one that it made way for.
        if (plan_.steps.size() + 3 > options_.max_steps) return false;
        for (const auto at : order) {
            const auto machine = pending_[at].front();
            if (!is_in_the_way(machine)) continue;
            if (try_aside(machine)) return true;
        }
        return false;
    }

    bool is_in_the_way(MachineIndex machine) const {
        return std::ranges::any_of(pending_, [&](const Members& members) {
            return targets_[members.front()] == position_[machine];
        });
    }

    bool try_aside(MachineIndex machine) {
        for (HostIndex host = 0; host < cluster_.host_count(); ++host) {
            if (host == position_[machine] || host == targets_[machine]) continue;
            if (!cluster_.allowed(machine, host)) continue;
            std::set<UnitIndex> waits;
            if (!rules_hold(machine, host, {machine}, waits)) continue;
            // Only where there is room at once: its own room is what the others wait for.
            if (!fits(worst_[host] + cluster_.load(machine), cluster_.room(host))) continue;
            auto to = targets_[machine];
            targets_[machine] = host;
            append({machine}, targets_, waits, true);
            targets_[machine] = to;
            return true;
        }
        return false;
    }

    std::string why_blocked(MachineIndex machine) const {
        const auto to = targets_[machine];
        const auto& host = cluster_.snapshot().hosts[to].name;
        if (!cluster_.allowed(machine, to)) return host + " may not run it";
        if (plan_.steps.size() >= options_.max_steps) return "no moves are left";
        if (!fits(worst_[to] + cluster_.load(machine), cluster_.room(to))) {
            return "no room on " + host +
                   " until machines have left that wait for each other, and none can step aside";
        }
        return "a rule would be broken on the way to " + host;
    }

    const Cluster& cluster_;
    OrderOptions options_;
    std::vector<HostIndex> targets_;
    std::vector<HostIndex> position_;  // after all steps that were chosen
    std::vector<Load> worst_;          // all that were there or were chosen to come
    std::vector<std::vector<Departure>> leaving_;
    std::vector<StepIndex> last_step_;
    std::map<MachineIndex, std::vector<HostIndex>> hosts_on_the_way_;
    std::vector<std::vector<StepIndex>> units_;
    std::vector<UnitIndex> unit_of_step_;
    std::vector<Members> pending_;
    MigrationPlan plan_;
};

}  // namespace

MigrationPlan order_moves(const Cluster& cluster, const std::vector<HostIndex>& targets,
                          const std::vector<MachineIndex>& priority, const OrderOptions& options) {
    return Orderer(cluster, targets, options).run(priority);
}

}  // namespace drover::plan
