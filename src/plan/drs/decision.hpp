#pragma once

// What DRS would do, and why: moves whose benefit over the time that demand is expected to last is
// more than they cost, by a margin that the threshold sets. Asked again about an unchanged state,
// it finds nothing to do.
//
// Benefit and cost are in host-seconds: one is what a host of usual size does in a second. The
// benefit of a move is what would be lost if, of the whole plan, it alone were not made.

#include <optional>
#include <string>
#include <vector>

#include "plan/balance/demand_cost.hpp"
#include "plan/drs/migration_cost.hpp"
#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

enum class Automation { manual, partially_automated, fully_automated };

struct DrsSettings {
    Automation automation = Automation::fully_automated;
    int threshold = 3;       ///< 1: only what must be; 5: whatever helps at all
    double horizon_s = 300;  ///< how long demand is expected to stay
    CostWeights weights{.traffic_byte_s = 1e-10};
    MigrationModel migration{};
    std::size_t max_moves = 100;
};

enum class MoveReason {
    evacuation,      ///< its host takes no machines
    rule,            ///< mends a rule
    cpu_contention,  ///< its host is short of CPU
    memory_contention,
    cpu_balance,
    memory_balance,
    network_contention,
    network_balance,
    traffic,  ///< nearer to machines it talks to
    room,     ///< makes room for another move of the plan
};
std::string_view text_of(MoveReason reason);

struct Recommendation {
    MachineIndex machine = kNone;
    HostIndex from = kNone;
    HostIndex to = kNone;
    MoveReason reason = MoveReason::cpu_balance;
    std::string explanation{};
    int priority = 5;  ///< 1: must be, 5: helps a little; the threshold that lets it through
    double benefit_host_s = 0;
    double cost_host_s = 0;
    MigrationEstimate migration{};
    bool automatic = false;  ///< to be carried out without asking
};

struct Decision {
    std::vector<Recommendation> recommendations{};  ///< in the order of the plan's machines
    MigrationPlan migrations{};
    std::vector<MachineIndex> homeless{};  ///< must leave their hosts and can't
    double imbalance_before = 0;
    double imbalance_after = 0;
    std::vector<HostIndex> hosts_after{};  ///< by machine
};

/// The settings' weights for this cluster: where all of it is busy, being busy is no reason to
/// move.
CostWeights weights_for(const Cluster& cluster, const DrsSettings& settings);
/// By machine, what its migration takes, as a part of the usual host over the horizon.
std::vector<double> migration_prices(const Cluster& cluster, const DrsSettings& settings);

Decision decide(const Cluster& cluster, const DrsSettings& settings);

struct WhyNot {
    std::optional<HostIndex> best{};  ///< the best other host that could run it
    double benefit_host_s = 0;
    double cost_host_s = 0;  ///< of the move, and the threshold's margin
    std::string explanation{};
};

/// Why a machine stays where `decision` leaves it.
WhyNot why_not(const Cluster& cluster, const DrsSettings& settings, const Decision& decision,
               MachineIndex machine);

/// The standard deviation over usable hosts of how busy they are, CPU, memory or network, whichever
/// is most.
double imbalance(const State& state);

/// By machine, 0 to 100: what part of its demand its host can give it, of the scarcer resource.
std::vector<double> drs_scores(const State& state);

}  // namespace drover::plan
