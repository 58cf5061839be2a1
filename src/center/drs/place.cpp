// Where a machine is to be started: room by reservations up the pools, then the best host, with
// others moved out of the way if that is what it takes.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/log.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "center/drs/host_choices.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::TaskContextPtr;
using vim::MoRef;
using vim::Value;

namespace {

constexpr std::chrono::minutes kThinkLimit{5};
constexpr std::size_t kMostTried = 3;
constexpr std::size_t kMostOffered = 5;

}  // namespace

void Drs::require_reservations(const MoRef& machine) {
    const MoRef resource = compute_resource_of(parts(), machine);
    if (!resource) return;
    const ClusterView view = look(resource, std::vector{machine});
    const auto index = view.machine(machine);
    // A host's own room is the host's to say.
    if (!index || view.pools.empty()) return;
    require_admitted(view, *index, name_of(parts().context, resource));
}

void Drs::starts_on(const MoRef& machine, const MoRef& host) {
    starting_[machine.id] = host.id;
}

void Drs::has_started(const MoRef& machine) {
    starting_.erase(machine.id);
}

Awaitable<MoRef> Drs::place(MoRef machine, std::string user, TaskContextPtr task) {
    const MoRef resource = compute_resource_of(parts(), machine);
    auto& turns = placing_[resource.id];
    if (!turns) turns = std::make_unique<service::Turns>(parts().context.runtime);
    auto turn = std::make_optional(co_await turns->take());
    const std::string cluster_name = name_of(parts().context, resource);
    const auto view = std::make_shared<const ClusterView>(look(resource, std::vector{machine}));
    const auto index = view->machine(machine);
    if (!index) co_return host_of(parts(), machine);  // a template: its host says what it thinks
    require_admitted(*view, *index, cluster_name);
    HostChoices choice = co_await parts().context.runtime.blocking(
        "drs:" + resource.id, [view, at = *index] { return choose_hosts(*view, at); }, kThinkLimit);
    const auto present = view->host(host_of(parts(), machine));
    if (is_enabled(resource)) placed_.insert(machine.id);
    prefer(choice, present);
    std::vector<plan::HostIndex> order;
    for (const auto& each : choice.hosts) order.push_back(each.host);
    if (order.empty()) {
        // Others have to make room; only if nobody needs to be asked for it.
        const auto& steps = choice.room.migrations.steps;
        const bool may = std::ranges::all_of(steps, [&](const plan::Step& step) {
            return view->snapshot.machines[step.machine].movability == plan::Movability::automatic;
        });
        if (choice.room.placed.empty() || !may) {
            throw no_room(*view, *index, choice, cluster_name);
        }
        task->set_description("Moving other machines to make room");
        std::map<plan::MachineIndex, std::string> reasons;
        for (const auto& step : steps) {
            reasons[step.machine] =
                fmt::format("makes room for '{}'", view->snapshot.machines[*index].name);
        }
        const bool made =
            co_await carry_out(view, choice.room.migrations, std::move(reasons), user);
        if (!made) throw no_room(*view, *index, choice, cluster_name);
        order = {choice.room.placed.front().host};
    }
    if (order.size() > kMostTried) order.resize(kMostTried);
    std::exception_ptr failure;
    for (const plan::HostIndex at : order) {
        const MoRef host = view->hosts[at];
        starts_on(machine, host);
        turn.reset();
        if (present == at) co_return host;
        failure = nullptr;
        try {
            Destination wish;
            wish.host = host;
            co_await moves_.move(machine, wish, user, task);
        } catch (...) {
            failure = std::current_exception();
        }
        if (!failure) co_return host;
        task->check_cancelled();
        base::log_warning("DRS: '{}' can't be started on {}", view->snapshot.machines[*index].name,
                          view->snapshot.hosts[at].name);
    }
    has_started(machine);
    std::rethrow_exception(failure);
}

void Drs::tell_placed(vim::Event& event) {
    if (!event.is<vim::VmPoweredOnEvent>() || !event.vm()) return;
    if (placed_.erase(event.vm().vm().id) == 0) return;
    // The same with one more name: inherited properties come first.
    Value told = vim::DrsVmPoweredOnEvent::make().raw();
    const auto slots = event.raw().slots();
    for (std::size_t at = 0; at < slots.size(); ++at) told.set_slot(at, slots[at]);
    event = vim::Event(told);
}

std::vector<vim::ClusterRecommendation> Drs::offer_hosts(
    const MoRef& cluster, const std::vector<MoRef>& machines,
    std::vector<std::pair<MoRef, vim::Fault>>& refused) {
    std::vector<vim::ClusterRecommendation> made;
    ClusterView view = look(cluster, machines);
    ClusterState& state = state_of(cluster);
    const std::string cluster_name = name_of(parts().context, cluster);
    for (const MoRef& machine : machines) {
        const auto index = view.machine(machine);
        if (!index) continue;
        try {
            require_admitted(view, *index, cluster_name);
            const HostChoices choice = choose_hosts(view, *index);
            if (choice.hosts.empty()) throw no_room(view, *index, choice, cluster_name);
            std::erase_if(state.starts,
                          [&](const Offer& other) { return other.machine == machine; });
            for (std::size_t at = 0; at < std::min(choice.hosts.size(), kMostOffered); ++at) {
                const auto& each = choice.hosts[at];
                Offer offer;
                offer.key = std::to_string(state.next_key++);
                offer.machine = machine;
                offer.to = view.hosts[each.host];
                offer.made = parts().context.runtime.clock().steady_now();
                auto action = vim::ClusterInitialPlacementAction::make();
                action.set_type("VmPowerV1");
                action.set_target(machine);
                action.set_targetHost(offer.to);
                offer.shown = vim::ClusterRecommendation::make();
                offer.shown.set_key(offer.key);
                offer.shown.set_type("V1");
                offer.shown.set_time(parts().context.runtime.clock().wall_now());
                offer.shown.set_rating(each.rating);
                offer.shown.set_reason("powerOnVm");
                offer.shown.set_reasonText(fmt::format("Start '{}' on {}",
                                                       view.snapshot.machines[*index].name,
                                                       view.snapshot.hosts[each.host].name));
                offer.shown.set_action(std::vector<vim::ClusterAction>{action});
                offer.shown.set_target(machine);
                made.push_back(offer.shown);
                state.starts.push_back(std::move(offer));
            }
            // The next one is placed as if this one went where it is best.
            view.snapshot.machines[*index].host = choice.hosts.front().host;
        } catch (const vim::Fault& fault) {
            refused.emplace_back(machine, fault);
        }
    }
    return made;
}

}  // namespace drover::center
