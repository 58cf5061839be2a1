// After a host's maintenance: those that had left it go back, where that helps, once.

#include <algorithm>

#include "base/log.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "plan/drs/evacuation.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::minutes kThinkLimit{5};

}  // namespace

// Hosts that take machines again, and those that will not come back here.
void Drs::visit_returns() {
    std::vector<MoRef> gone;
    for (const auto& [id, machines] : returns_.all()) {
        const MoRef ref{TypeId::HostSystem, id};
        const Host* host = parts().hosts.find(ref);
        const auto* object = parts().context.inventory.find(ref);
        if (host == nullptr || !is_enabled(host->compute_resource)) {
            gone.push_back(ref);
            continue;
        }
        if (object == nullptr || leaving_.contains(id) || !host->link ||
            host->link->state() != LinkState::connected) {
            continue;
        }
        const vim::HostRuntimeInfo runtime(object->property(vim::property::HostSystem::runtime));
        if (!runtime || runtime.inMaintenanceMode()) continue;
        // A center that has just started knows no demand yet.
        const bool is_known = std::ranges::any_of(machines, [this](const std::string& machine) {
            return figures_.demand_of(machine).samples > 0;
        });
        const bool any_runs = std::ranges::any_of(machines, [this](const std::string& machine) {
            return is_powered(parts(), {TypeId::VirtualMachine, machine},
                              vim::VirtualMachinePowerState::poweredOn);
        });
        if (any_runs && !is_known) continue;
        ClusterState& state = state_of(host->compute_resource);
        if (state.is_thinking || state.running > 0) continue;
        ++state.running;
        parts().context.runtime.spawn("DRS", bring_back(host->compute_resource, ref));
    }
    for (const MoRef& ref : gone) parts().context.runtime.spawn("DRS", returns_.forget(ref));
}

Awaitable<void> Drs::bring_back(MoRef cluster, MoRef host) {
    try {
        const auto ids = returns_.all().at(host.id);
        // Whatever comes of it: once.
        co_await returns_.forget(host);
        const auto view = std::make_shared<const ClusterView>(look(cluster));
        std::vector<plan::EvacuationPlan::Origin> origins;
        const auto there = view->host(host);
        for (const std::string& id : ids) {
            const auto machine = view->machine({TypeId::VirtualMachine, id});
            if (machine && there) origins.push_back({*machine, *there});
        }
        auto plan = co_await parts().context.runtime.blocking(
            "drs:" + cluster.id,
            [view, origins] { return plan::plan_return(view->snapshot, origins, view->settings); },
            kThinkLimit);
        std::vector<bool> automatic;
        std::map<plan::MachineIndex, std::string> reasons;
        for (const auto& step : plan.steps) {
            automatic.push_back(view->snapshot.machines[step.machine].movability ==
                                plan::Movability::automatic);
            reasons[step.machine] = "goes back to its host after maintenance";
        }
        co_await carry_out(view, subset(plan, automatic), std::move(reasons), "");
    } catch (const std::exception& error) {
        base::log_warning("DRS: not all machines could go back to {}: {}",
                          name_of(parts().context, host), error.what());
    }
    const auto known = clusters_.find(cluster.id);
    if (known == clusters_.end()) co_return;
    --known->second.running;
    note_change(cluster);
}

}  // namespace drover::center
