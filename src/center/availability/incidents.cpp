// What happens to machines: why some are not protected, that a host failed and who runs its
// machines now, and registrations that such a host has left of its own when it comes back.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/availability/high_availability.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/tree/data.hpp"
#include "vim/history_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::VirtualMachine;

namespace {

constexpr std::string_view kUnprotected = "com.vmware.vc.HA.VmUnprotectedEvent";
constexpr std::string_view kImpossible = "com.vmware.vc.HA.ClusterNotProtectedEvent";
constexpr std::chrono::seconds kLookForCopies{1};
// What is just on its way is no stale copy.
constexpr std::chrono::seconds kStale{5};
constexpr std::chrono::seconds kCallLimit{30};
// A host agent's own reference of itself.
const MoRef kItself{TypeId::HostSystem, "ha-host"};

vim::Event warning(std::string_view id, std::string message) {
    auto event = vim::EventEx::make();
    event.set_eventTypeId(id);
    event.set_severity("warning");
    event.set_message(message);
    event.set_fullFormattedMessage(message);
    return event;
}

vim::VmEventArgument machine_argument(const CenterContext& context, const MoRef& machine) {
    auto argument = vim::VmEventArgument::make();
    argument.set_vm(machine);
    argument.set_name(name_of(context, machine));
    return argument;
}

vim::HostEventArgument host_argument(const CenterContext& context, const MoRef& host) {
    auto argument = vim::HostEventArgument::make();
    argument.set_host(host);
    argument.set_name(name_of(context, host));
    return argument;
}

MoRef host_in(const Value& runtime) {
    const Value host = runtime ? runtime.property("host") : Value{};
    return host ? host.as_moref() : MoRef{};
}

bool is_on(const Value& runtime) {
    const vim::VirtualMachineRuntimeInfo about(runtime);
    return about && about.powerState() == vim::VirtualMachinePowerState::poweredOn;
}

bool runs_for_sure(const Value& runtime) {
    const vim::VirtualMachineRuntimeInfo about(runtime);
    return is_on(runtime) &&
           about.connectionState() == vim::VirtualMachineConnectionState::connected;
}

}  // namespace

void HighAvailability::tell_unprotected(const MoRef& cluster, const Draft& draft) {
    ClusterState& state = clusters_[cluster.id];
    auto& context = parts().context;
    if (draft.problem != state.told_problem) {
        state.told_problem = draft.problem;
        if (!draft.problem.empty()) {
            auto event =
                warning(kImpossible, fmt::format("Nothing is protected in the cluster {}: {}",
                                                 name_of(context, cluster), draft.problem));
            auto argument = vim::ComputeResourceEventArgument::make();
            argument.set_computeResource(cluster);
            argument.set_name(name_of(context, cluster));
            event.set_computeResource(argument);
            context.events.post(event);
        }
    }
    for (const auto& [id, reason] : draft.unprotected) {
        auto& told = state.told_unprotected[id];
        // Of the whole cluster's reason one event is enough.
        if (told == reason || reason == draft.problem) continue;
        told = reason;
        const MoRef machine{TypeId::VirtualMachine, id};
        auto event = warning(kUnprotected, fmt::format("{} is not protected: {}",
                                                       name_of(context, machine), reason));
        event.set_vm(machine_argument(context, machine));
        context.events.post(event);
    }
    std::erase_if(state.told_unprotected,
                  [&](const auto& item) { return !draft.unprotected.contains(item.first); });
}

// A machine that runs elsewhere all of a sudden, while its host is silent, was restarted there.
void HighAvailability::note_move(const model::ManagedObject& machine, const Value& before) {
    auto& context = parts().context;
    const Value& runtime = machine.property(property::runtime);
    const MoRef from = host_in(before);
    const MoRef to = host_in(runtime);
    if (!from || !to || from == to || !is_on(runtime)) return;
    const Host* left = parts().hosts.find(from);
    if (left == nullptr || (left->link && left->link->state() == LinkState::connected)) return;
    const auto cluster = clusters_.find(left->compute_resource.id);
    if (cluster == clusters_.end() || !cluster->second.is_enabled) return;
    if (context.tasks.running_on(machine.ref())) return;
    if (failed_.insert(from.id).second) {
        Value failure = vim::make_object(TypeId::DasHostFailedEvent);
        set_property(failure, "failedHost", host_argument(context, from).raw());
        vim::Event event(failure);
        event.set_host(host_argument(context, from));
        event.set_fullFormattedMessage(fmt::format(
            "{} has failed: its machines are restarted elsewhere", name_of(context, from)));
        context.events.post(event);
    }
    Value restart = vim::make_object(TypeId::VmRestartedOnAlternateHostEvent);
    set_property(restart, "template", Value::boolean(false));
    set_property(restart, "sourceHost", host_argument(context, from).raw());
    vim::Event event(restart);
    event.set_vm(machine_argument(context, machine.ref()));
    event.set_host(host_argument(context, to));
    event.set_fullFormattedMessage(fmt::format("{} was restarted on {}, since {} failed",
                                               name_of(context, machine.ref()),
                                               name_of(context, to), name_of(context, from)));
    context.events.post(event);
}

// The host has the machine registered, and it is off there; another one runs it, which it can only
// with the lease. Its files are that one's.
void HighAvailability::look_for_stale_copies() {
    if (now() < next_look_for_copies_) return;
    next_look_for_copies_ = now() + kLookForCopies;
    const auto& context = parts().context;
    std::set<std::pair<std::string, std::string>> found;
    parts().hosts.for_each([&](const Host& host) {
        const auto cluster = clusters_.find(host.compute_resource.id);
        if (cluster == clusters_.end() || !cluster->second.is_enabled) return;
        if (!host.link || host.link->state() != LinkState::connected) return;
        const Value list = parts().mirror.said_of(host, kItself, vim::property::HostSystem::vm);
        if (list.kind() != vim::ValueKind::array) return;
        for (const Value& each : list.elements()) {
            const MoRef copy = each.as_moref();
            const MoRef ref = parts().mirror.center_ref_of(host, copy);
            const auto* machine = ref ? context.inventory.find(ref) : nullptr;
            if (machine == nullptr) continue;
            const Value& shown = machine->property(property::runtime);
            if (host_in(shown) == host.ref || !runs_for_sure(shown)) continue;
            const Value said = parts().mirror.said_of(host, copy, property::runtime);
            if (!said || is_on(said) || context.tasks.running_on(ref)) continue;
            const std::pair key(host.ref.id, copy.id);
            found.insert(key);
            StaleCopy& stale = copies_.try_emplace(key, StaleCopy{now(), false}).first->second;
            if (stale.is_busy || now() - stale.since < kStale) continue;
            stale.is_busy = true;
            parts().context.runtime.spawn("registration of " + ref.id,
                                          remove_copy(host.ref, copy, ref.id));
        }
    });
    std::erase_if(copies_, [&](const auto& item) {
        return !item.second.is_busy && !found.contains(item.first);
    });
}

Awaitable<void> HighAvailability::remove_copy(MoRef host, MoRef copy, std::string machine) {
    std::string problem;
    try {
        Host* there = parts().hosts.find(host);
        if (there != nullptr) co_await there->link->call("UnregisterVM", copy, {}, kCallLimit);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (problem.empty()) {
        base::log_info("machine {}: its old registration on {} was removed", machine, host.id);
    } else {
        base::log_warning("machine {}: its old registration on {} stays: {}", machine, host.id,
                          problem);
    }
    const auto known = copies_.find({host.id, copy.id});
    if (known != copies_.end()) known->second = {now(), false};
}

}  // namespace drover::center
