#include "center/forwarding/forwarding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "center/forwarding/forwarding_impl.hpp"
#include "center/mirror/translate.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// Chains of events of so many tasks are remembered: their last events come a little later.
constexpr std::size_t kMostChains = 10'000;
constexpr std::chrono::seconds kStartLimit{120};

struct NotThere {
    MoRef ref;
};

class ToHost final : public ReferenceMap {
public:
    ToHost(const Mirror& mirror, const Host& host) : mirror_(mirror), host_(host) {}
    Value map(const Value& reference) const override {
        const auto found = mirror_.host_ref_of(host_, reference.as_moref());
        if (!found) throw NotThere{reference.as_moref()};
        return Value::moref(*found);
    }

private:
    const Mirror& mirror_;
    const Host& host_;
};

bool only_reads(const vim::MethodDescriptor& method) {
    constexpr auto kWords = std::to_array<std::string_view>(
        {"Query", "Retrieve", "Acquire", "List", "Find", "Search", "Browse", "Estimate", "Check"});
    return std::ranges::any_of(
        kWords, [&](std::string_view word) { return method.name().starts_with(word); });
}

vim::Fault translated(const Mirror& mirror, const Host& host, const vim::Fault& fault) {
    const Value made = mirror.to_center(host, fault.fault().raw());
    return made ? vim::Fault(vim::MethodFault(made), fault.message()) : fault;
}

}  // namespace

Forwarding::Forwarding(CenterContext& context, Hosts& hosts, Mirror& mirror)
    : impl_(std::make_unique<Impl>(*this, context, hosts, mirror)) {}

Forwarding::~Forwarding() = default;

HostObject Forwarding::home_of(const MoRef& object) const {
    const auto home = impl_->mirror.home_of(object);
    if (!home) {
        if (impl_->context.inventory.find(object) == nullptr) throw vim::object_not_found(object);
        throw vim::make_fault<vim::HostNotConnected>(
            fmt::format("No host that has '{}' is connected.", object.id));
    }
    require_connected(*home->host);
    return *home;
}

void Forwarding::require_connected(const Host& host) {
    if (host.link && host.link->state() == LinkState::connected) return;
    throw vim::make_fault<vim::HostNotConnected>(
        fmt::format("The host '{}' is not connected.", host.name));
}

Value Forwarding::to_host(const Host& host, const Value& request) const {
    if (request.kind() != vim::ValueKind::object) return request;
    const ToHost references(impl_->mirror, host);
    Value made = request;
    const auto parameters = vim::describe(request.type()).properties();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        try {
            made.set_slot(i, translate(request.slots()[i], references));
        } catch (const NotThere& missing) {
            throw vim::invalid_argument(
                parameters[i].name(),
                fmt::format("'{}' ({}) is not on the host '{}'.", impl_->name_of(missing.ref),
                            missing.ref.id, host.name));
        }
    }
    return made;
}

Awaitable<Value> Forwarding::call(HostObject object, std::string_view method, Value request,
                                  std::chrono::seconds limit) {
    const MoRef host_ref = object.host->ref;
    require_connected(*object.host);
    const Value asked = to_host(*object.host, request);
    std::optional<vim::Fault> failure;
    Value answer;
    try {
        answer = co_await object.host->link->call(method, object.ref, asked, limit);
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    Host* host = impl_->hosts.find(host_ref);
    if (host == nullptr) {
        if (failure) throw *failure;
        co_return Value{};
    }
    if (failure) throw translated(impl_->mirror, *host, *failure);
    if (!only_reads(*vim::find_method(method))) {
        const auto touched = impl_->touched_by({host, object.ref});
        if (!touched.empty()) co_await impl_->mirror.refresh(*host, touched);
        host = impl_->hosts.find(host_ref);
        if (host == nullptr) co_return Value{};
    }
    co_return impl_->mirror.to_center(*host, answer);
}

Awaitable<vim::TaskInfo> Forwarding::follow(MoRef host_ref, std::string_view method, MoRef self,
                                            Value request, TaskContextPtr context) {
    Host* host = impl_->hosts.find(host_ref);
    if (host == nullptr) throw vim::object_not_found(host_ref);
    require_connected(*host);
    const Value answer = co_await host->link->call(method, self, request, kStartLimit);
    if (answer.kind() != vim::ValueKind::moref) {
        throw vim::make_fault<vim::HostCommunication>("The host's answer is no task.");
    }
    const MoRef task = answer.as_moref();
    host = impl_->hosts.find(host_ref);
    if (host == nullptr) throw vim::object_not_found(host_ref);
    Chain chain{0, {}};
    if (context) {
        const vim::TaskInfo own = impl_->context.tasks.info(context->ref());
        chain.id = own.eventChainId();
        if (const auto reason = own.reason().as<vim::TaskReasonUser>()) {
            chain.user = reason.userName();
        }
        const auto cancel = [impl = impl_.get(), host_ref, task] {
            Host* at = impl->hosts.find(host_ref);
            if (at == nullptr) return;
            impl->context.runtime.spawn("cancel", [](HostLink& link, MoRef it) -> Awaitable<void> {
                co_await link.call("CancelTask", it);
            }(*at->link, task));
        };
        context->on_cancel(cancel);
        if (context->cancelled()) cancel();
    }
    const auto progress = [impl = impl_.get(), host_ref, context,
                           chain](const vim::TaskInfo& info) {
        if (!context) return;
        impl->remember_chain(host_ref, info.eventChainId(), chain);
        if (const auto percent = info.progress()) context->set_progress(*percent);
        if (const auto text = info.description()) {
            context->set_description(std::string(text.message().value_or("")));
        }
    };
    co_return co_await host->link->follow_task(task, progress);
}

void Forwarding::require_success(const Host& host, const vim::TaskInfo& info) const {
    if (info.state() != vim::TaskInfoState::error) return;
    const vim::LocalizedMethodFault error = info.error();
    if (!error || !error.fault()) {
        throw vim::make_fault<vim::SystemError>("The host's task failed and does not say why.");
    }
    std::string message(error.localizedMessage().value_or(""));
    if (message.empty()) message = "The host's task failed.";
    throw translated(impl_->mirror, host, vim::Fault(error.fault(), message));
}

Awaitable<Value> Forwarding::run_task(HostObject object, std::string_view method, Value request,
                                      TaskContextPtr context) {
    const MoRef host_ref = object.host->ref;
    const Value asked = to_host(*object.host, request);
    std::optional<vim::Fault> failure;
    vim::TaskInfo info;
    try {
        info = co_await follow(host_ref, method, object.ref, asked, context);
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    Host* host = impl_->hosts.find(host_ref);
    if (host == nullptr) {
        if (failure) throw *failure;
        co_return Value{};
    }
    if (failure) throw translated(impl_->mirror, *host, *failure);
    if (!only_reads(*vim::find_method(method))) {
        co_await impl_->mirror.refresh(*host, impl_->touched_by({host, object.ref}));
        host = impl_->hosts.find(host_ref);
        if (host == nullptr) co_return Value{};
    }
    require_success(*host, info);
    co_return impl_->mirror.to_center(*host, info.result());
}

std::optional<Forwarding::Chain> Forwarding::chain_of(const MoRef& host,
                                                      std::int32_t host_chain) const {
    const auto found = impl_->chains.find({host.id, host_chain});
    return found == impl_->chains.end() ? std::nullopt : std::optional(found->second);
}

void Forwarding::Impl::remember_chain(const MoRef& host, std::int32_t host_chain, Chain chain) {
    const ChainKey key{host.id, host_chain};
    if (!chains.emplace(key, std::move(chain)).second) return;
    chain_order.push_back(key);
    if (chain_order.size() <= kMostChains) return;
    chains.erase(chain_order.front());
    chain_order.pop_front();
}

std::string Forwarding::Impl::name_of(const MoRef& entity) const {
    const model::ManagedObject* object = context.inventory.find(entity.id);
    if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) return entity.id;
    const Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : entity.id;
}

task::TaskSpec Forwarding::Impl::spec_of(const Call& call) const {
    task::TaskSpec spec;
    spec.description_id = description_of(*call.method);
    spec.entity = call.self;
    // A snapshot's task shows on its machine, a browser's on its datastore.
    if (call.self.type == TypeId::VirtualMachineSnapshot) {
        const Value& machine =
            context.inventory.get(call.self).property(vim::property::VirtualMachineSnapshot::vm);
        if (machine) spec.entity = machine.as_moref();
    }
    if (vim::is_a(spec.entity.type, TypeId::ManagedEntity)) {
        spec.entity_name = name_of(spec.entity);
    }
    spec.method = call.method;
    spec.user = call.caller->user;
    spec.cancelable = true;
    spec.request = call.request;
    return spec;
}

std::vector<MoRef> Forwarding::Impl::touched_by(const HostObject& object) const {
    if (object.ref.type == TypeId::HostDatastoreBrowser) return {};
    std::vector<MoRef> touched{object.ref};
    if (object.ref.type == TypeId::VirtualMachineSnapshot) {
        const MoRef here = mirror.center_ref_of(*object.host, object.ref);
        const model::ManagedObject* snapshot = context.inventory.find(here);
        if (snapshot == nullptr) return touched;
        const Value& machine = snapshot->property(vim::property::VirtualMachineSnapshot::vm);
        if (!machine) return touched;
        const auto there = mirror.host_ref_of(*object.host, machine.as_moref());
        if (there) touched.push_back(*there);
    }
    return touched;
}

}  // namespace drover::center
