// What of a machine's methods is the center's to know: its place, its name, and that it goes.

#include <fmt/format.h>

#include "center/forwarding/forwarding_impl.hpp"
#include "vim/machines_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kDisappearance{30};

Awaitable<void> remove(Forwarding::Impl& impl, MoRef machine, std::string_view method,
                       TaskContextPtr context) {
    const HostObject home = impl.self.home_of(machine);
    const MoRef host = home.host->ref;
    const MoRef there = home.ref;
    if (method.ends_with("_Task")) {
        co_await impl.self.run_task(home, method, {}, context);
    } else {
        co_await impl.self.call(home, method);
    }
    co_await impl.mirror.disappearance(machine, kDisappearance);
}

Awaitable<Value> mark_as_machine(Forwarding::Impl& impl, Call call) {
    const auto asked = call.arguments<vim::MarkAsVirtualMachineRequest>();
    const HostObject home = impl.self.home_of(call.self);
    const MoRef resource = impl.context.tree.owner_of_pool(asked.pool());
    if (asked.host() && *asked.host() != home.host->ref) {
        throw vim::invalid_argument("host", "The template is on another host.");
    }
    if (resource != home.host->compute_resource) {
        throw vim::invalid_argument("pool",
                                    "The resource pool is not of the compute resource that the "
                                    "template is on.");
    }
    auto request = vim::MarkAsVirtualMachineRequest::make();
    request.set_pool(asked.pool());
    const MoRef machine = call.self;
    const MoRef pool = asked.pool();
    co_await impl.self.call(home, "MarkAsVirtualMachine", request.raw());
    co_await impl.mirror.place_machine(machine, {}, pool);
    co_return Value{};
}

Awaitable<void> move_machine(Forwarding::Impl& impl, MoRef machine, MoRef to, std::string) {
    if (vim::is_a(to.type, TypeId::ResourcePool)) {
        const auto home = impl.mirror.home_of(machine);
        if (home && impl.context.tree.owner_of_pool(to) != home->host->compute_resource) {
            throw vim::invalid_argument("list",
                                        "The machine runs on a host of another compute resource.");
        }
        co_await impl.mirror.place_machine(machine, {}, to);
    } else {
        co_await impl.mirror.place_machine(machine, to, {});
    }
}

struct PowerOnPlan {
    std::vector<vim::ClusterAttemptedVmInfo> attempted;
    std::vector<vim::DataHandle> not_attempted;  // ClusterNotAttemptedVmInfo
};

void plan_power_on(Forwarding::Impl& impl, const Call& call, const MoRef& machine,
                   PowerOnPlan& plan) {
    const vim::MethodDescriptor* method = vim::find_method("PowerOnVM_Task");
    try {
        impl.context.inventory.get(machine);
        impl.self.home_of(machine);
        auto info = vim::ClusterAttemptedVmInfo::make();
        info.set_vm(machine);
        Call each = call;
        each.self = machine;
        each.method = method;
        each.request = vim::PowerOnVM_TaskRequest::make().raw();
        info.set_task(impl.start_task(each).as_moref());
        plan.attempted.push_back(info);
    } catch (const vim::Fault& fault) {
        auto info = vim::ClusterNotAttemptedVmInfo::make();
        info.set_vm(machine);
        info.set_fault(fault.localized());
        plan.not_attempted.emplace_back(info.raw());
    }
}

}  // namespace

void require_free_name(Forwarding::Impl& impl, const MoRef& entity, std::string_view name) {
    if (name == impl.name_of(entity)) return;
    const Value& parent =
        impl.context.inventory.get(entity).property(vim::property::ManagedEntity::parent);
    if (parent) impl.context.tree.require_free_name(parent.as_moref(), name);
}

void serve_machine_removal(Forwarding::Impl& impl) {
    auto& context = impl.context;
    context.methods.add_task(TypeId::VirtualMachine, "Destroy_Task", "VirtualMachine.destroy",
                             [&impl](Call call, TaskContextPtr task) -> Awaitable<Value> {
                                 co_await remove(impl, call.self, "Destroy_Task", task);
                                 co_return Value{};
                             });
    context.methods.add(TypeId::VirtualMachine, "UnregisterVM",
                        [&impl](Call call) -> Awaitable<Value> {
                            co_await remove(impl, call.self, "UnregisterVM", nullptr);
                            co_return Value{};
                        });
    context.tree.on_destroy(TypeId::VirtualMachine, [&impl](MoRef machine, std::string) {
        return remove(impl, std::move(machine), "Destroy_Task", nullptr);
    });
    context.tree.on_unregister(TypeId::VirtualMachine, [&impl](MoRef machine, std::string) {
        return remove(impl, std::move(machine), "UnregisterVM", nullptr);
    });
}

void serve_machine_moves(Forwarding::Impl& impl) {
    auto& context = impl.context;
    context.tree.on_move(
        TypeId::VirtualMachine, [&impl](MoRef machine, MoRef to, std::string user) {
            return move_machine(impl, std::move(machine), std::move(to), std::move(user));
        });
    context.methods.add(TypeId::VirtualMachine, "MarkAsVirtualMachine",
                        [&impl](Call call) { return mark_as_machine(impl, std::move(call)); });
    // What hosts have they tell by themselves, and the truth of the rest is here: there is nothing
    // to read anew but a machine's .vmx file, which somebody may have edited.
    context.methods.add(TypeId::ManagedEntity, "Reload",
                        [](Call) -> Awaitable<Value> { co_return Value{}; });
    context.methods.add(TypeId::VirtualMachine, "Reload",
                        [&impl](Call call) { return impl.forward(std::move(call)); });
    for (const TypeId type : {TypeId::VirtualMachine, TypeId::Network}) {
        context.methods.add(type, "Rename_Task", [&impl](Call call) -> Awaitable<Value> {
            require_free_name(impl, call.self, call.arguments<vim::Rename_TaskRequest>().newName());
            co_return impl.start_task(call);
        });
    }
}

void serve_power_on_multi(Forwarding::Impl& impl) {
    auto& context = impl.context;
    if (context.dispatcher.serves(*vim::find_method("PowerOnMultiVM_Task"))) return;
    context.methods.add_task(
        TypeId::Datacenter, "PowerOnMultiVM_Task", "Datacenter.powerOnVm",
        [&impl](Call call, TaskContextPtr) -> Awaitable<Value> {
            PowerOnPlan plan;
            for (const MoRef& machine : call.arguments<vim::PowerOnMultiVM_TaskRequest>().vm()) {
                plan_power_on(impl, call, machine, plan);
            }
            auto result = vim::ClusterPowerOnVmResult::make();
            result.set_attempted(plan.attempted);
            if (!plan.not_attempted.empty()) result.set_notAttempted(plan.not_attempted);
            co_return result.raw();
        });
}

}  // namespace drover::center
