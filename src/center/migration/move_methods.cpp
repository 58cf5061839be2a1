// MigrateVM_Task and RelocateVM_Task: the same move, asked for in two ways.

#include <fmt/format.h>

#include <algorithm>

#include "center/migration/moves.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::Value;

namespace {

vim::VirtualMachinePowerState power_state(const MigrationParts& parts, const MoRef& machine) {
    const vim::VirtualMachineRuntimeInfo runtime(
        parts.context.inventory.get(machine).property(vim::property::VirtualMachine::runtime));
    return runtime.powerState();
}

void require_state(const MigrationParts& parts, const MoRef& machine,
                   vim::VirtualMachinePowerState wanted) {
    const auto state = power_state(parts, machine);
    if (state == wanted) return;
    auto fault = vim::InvalidPowerState::make();
    fault.set_existingState(state);
    fault.set_requestedState(wanted);
    throw vim::Fault(fault, "The machine is not in the power state that was asked for.");
}

// Where the files go: all to one datastore, or each disk to its own.
void set_datastores(const vim::VirtualMachineRelocateSpec& spec, Destination& wish) {
    wish.datastore = spec.datastore().value_or(MoRef{});
    const auto locators = spec.disk().to_vector();
    if (locators.empty()) return;
    const auto place_of = [](const vim::DataHandle& locator) {
        return vim::VirtualMachineRelocateSpecDiskLocator(locator.raw()).datastore();
    };
    const MoRef first = wish.datastore ? wish.datastore : place_of(locators.front());
    const bool alike = std::ranges::all_of(
        locators, [&](const auto& locator) { return place_of(locator) == first; });
    if (alike && wish.datastore) return;
    for (const auto& locator : locators) wish.disks.push_back(locator);
}

// Disks one by one only where the machine stays; with all of them its other files go, too.
void require_one_datastore(const MigrationParts& parts, const MoRef& machine, Destination& wish) {
    if (wish.disks.empty() || wish.host == host_of(parts, machine)) return;
    const auto place_of = [](const vim::DataHandle& locator) {
        return vim::VirtualMachineRelocateSpecDiskLocator(locator.raw()).datastore();
    };
    if (!wish.datastore) wish.datastore = place_of(wish.disks.front());
    for (std::size_t index = 0; index < wish.disks.size(); ++index) {
        if (place_of(wish.disks[index]) == wish.datastore) continue;
        throw vim::invalid_argument(
            fmt::format("spec.disk[{}].datastore", index),
            "A machine's disks can't be put on several datastores while it goes to another host.");
    }
    wish.disks.clear();
}

// Files that are on that datastore already stay where they are.
void drop_present_datastore(const MigrationParts& parts, const MoRef& machine, Destination& wish) {
    const Value& all =
        parts.context.inventory.get(machine).property(vim::property::VirtualMachine::datastore);
    const auto present = all ? all.elements() : std::span<const Value>{};
    if (present.size() == 1 && present.front().as_moref() == wish.datastore) wish.datastore = {};
}

}  // namespace

Destination destination_of(const MigrationParts& parts, const MoRef& machine,
                           const vim::VirtualMachineRelocateSpec& spec) {
    if (spec.service()) {
        throw vim::invalid_argument("spec.service", "Machines move within one center.");
    }
    Destination wish;
    wish.host = spec.host().value_or(MoRef{});
    wish.pool = spec.pool().value_or(MoRef{});
    wish.folder = spec.folder().value_or(MoRef{});
    set_datastores(spec, wish);
    if (!wish.disks.empty() && !wish.host && !wish.pool) wish.host = host_of(parts, machine);
    if (!wish.disks.empty() && wish.host) require_one_datastore(parts, machine, wish);
    if (wish.datastore && wish.disks.empty()) drop_present_datastore(parts, machine, wish);
    return wish;
}

void serve_move_methods(Moves& moves) {
    auto& context = moves.parts().context;
    context.tasks.add_method(
        context.dispatcher, "MigrateVM_Task", "VirtualMachine.migrate",
        [&moves](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::MigrateVM_TaskRequest>();
            if (const auto state = asked.state()) require_state(moves.parts(), call.self, *state);
            if (!asked.host() && !asked.pool()) {
                throw vim::invalid_argument("host", "Neither a host nor a resource pool is named.");
            }
            Destination wish;
            wish.host = asked.host().value_or(MoRef{});
            wish.pool = asked.pool().value_or(MoRef{});
            co_await moves.move(call.self, wish, call.caller->user, task);
            co_return Value{};
        },
        true);
    context.tasks.add_method(
        context.dispatcher, "RelocateVM_Task", "VirtualMachine.relocate",
        [&moves](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const Destination wish = destination_of(
                moves.parts(), call.self, call.arguments<vim::RelocateVM_TaskRequest>().spec());
            co_await moves.move(call.self, wish, call.caller->user, task);
            co_return Value{};
        },
        true);
}

}  // namespace drover::center
