// Emptying hosts of a cluster with DRS, by its planner.

#include <fmt/format.h>

#include <algorithm>

#include "center/maintenance/evacuation.hpp"
#include "plan/drs/evacuation.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;

namespace {

constexpr std::chrono::minutes kThinkLimit{5};

}  // namespace

Awaitable<DrsEvacuation> plan_drs_evacuation(Drs& drs, MoRef cluster, std::vector<MoRef> hosts) {
    const auto view = std::make_shared<const ClusterView>(drs.look(cluster));
    std::vector<plan::HostIndex> leaving;
    for (const MoRef& host : hosts) {
        if (const auto at = view->host(host)) leaving.push_back(*at);
    }
    const auto plan = co_await drs.parts().context.runtime.blocking(
        "drs:" + cluster.id,
        [view, leaving] {
            return plan::plan_evacuation(view->snapshot, leaving, view->settings.weights);
        },
        kThinkLimit);
    DrsEvacuation made{view, plan.migrations, {}};
    std::vector<plan::HostIndex> ends(view->machines.size(), plan::kNone);
    for (const auto& step : plan.migrations.steps) ends[step.machine] = step.to;
    for (plan::MachineIndex at = 0; at < view->machines.size(); ++at) {
        const auto& machine = view->snapshot.machines[at];
        if (std::ranges::find(leaving, machine.host) == leaving.end()) continue;
        EvacuationStep step;
        step.machine = view->machines[at];
        step.name = machine.name;
        step.memory_bytes = static_cast<std::int64_t>(machine.memory_configured_bytes);
        if (ends[at] != plan::kNone) step.to = view->hosts[ends[at]];
        for (const auto& blocker : plan.blockers) {
            if (blocker.machine != at) continue;
            step.to = {};
            step.obstacles.push_back(
                vim::make_fault<vim::InvalidState>(
                    fmt::format("{}. What helps: {}.", blocker.reason, blocker.fix))
                    .localized());
        }
        made.machines.push_back(std::move(step));
    }
    co_return made;
}

}  // namespace drover::center
