// Which methods go to hosts.

#include <algorithm>
#include <array>

#include "center/forwarding/forwarding_impl.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// Of machines and hosts: what belongs to the center, or is not a host's to do.
constexpr auto kNotForwarded = std::to_array<std::string_view>({
    "CloneVM_Task",
    "MigrateVM_Task",
    "RelocateVM_Task",
    "InstantClone_Task",
    "PromoteDisks_Task",
    "ExportVm",
    "DisconnectHost_Task",
    "ReconnectHost_Task",
    "QueryHostConnectionInfo",
    "RetrieveManagedMethodExecuter",
    "RetrieveDynamicTypeManager",
});

// Managers of which the center has one of its own as well.
constexpr auto kBoth = std::to_array<TypeId>(
    {TypeId::OptionManager, TypeId::LicenseManager, TypeId::HostLocalAccountManager});

bool is_mirrored(const vim::TypeDescriptor& descriptor, TypeId type) {
    switch (type) {
        case TypeId::VirtualMachine:
        case TypeId::VirtualMachineSnapshot:
        case TypeId::EnvironmentBrowser:
        case TypeId::Datastore:
        case TypeId::Network:
            return true;
        case TypeId::HostLocalAccountManager:
            return false;
        default:
            return descriptor.name().starts_with("Host");
    }
}

}  // namespace

void Forwarding::serve() {
    Impl& impl = *impl_;
    serve_machine_creation(impl);
    serve_machine_removal(impl);
    serve_machine_moves(impl);
    serve_power_on_multi(impl);
    serve_shared_names(impl);
    serve_file_methods(impl);
    serve_performance(impl);
    for (const auto& descriptor : vim::all_types()) {
        if (descriptor.kind != vim::TypeKind::managed) continue;
        const auto type = TypeId{static_cast<std::uint16_t>(&descriptor - vim::all_types().data())};
        const bool both = std::ranges::find(kBoth, type) != kBoth.end();
        if (!both && !is_mirrored(descriptor, type)) continue;
        for (const vim::MethodDescriptor& method : descriptor.own_methods()) {
            both ? impl.share_method(type, method) : impl.serve_method(type, method);
        }
    }
}

bool Forwarding::is_passed_on(std::string_view method) const {
    return impl_->passed_on.contains(method);
}

void Forwarding::Impl::serve_method(TypeId type, const vim::MethodDescriptor& method) {
    if (std::ranges::find(kNotForwarded, method.name()) != kNotForwarded.end()) return;
    if (context.dispatcher.serves(method)) return;
    if (method.returns_task()) context.tasks.declare(description_of(method), method.name());
    passed_on.emplace(method.name());
    context.methods.add(type, method.name(),
                        [this](Call call) { return forward(std::move(call)); });
}

void Forwarding::Impl::share_method(TypeId type, const vim::MethodDescriptor& method) {
    if (!context.dispatcher.serves(method)) return serve_method(type, method);
    context.dispatcher.decorate(method.name(), [this](task::Handler own) -> task::Handler {
        return [this, own = std::move(own)](Call call) -> Awaitable<Value> {
            return mirror.home_of(call.self) ? forward(std::move(call)) : own(std::move(call));
        };
    });
}

Awaitable<Value> Forwarding::Impl::forward(Call call) {
    if (call.method->returns_task()) co_return start_task(call);
    const HostObject home = self.home_of(call.self);
    co_return co_await self.call(home, call.method->name(), call.request);
}

Value Forwarding::Impl::start_task(const Call& call) {
    return Value::moref(
        context.tasks.start(spec_of(call), [this, call](TaskContextPtr task) -> Awaitable<Value> {
            const HostObject home = self.home_of(call.self);
            co_return co_await self.run_task(home, call.method->name(), call.request, task);
        }));
}

}  // namespace drover::center
