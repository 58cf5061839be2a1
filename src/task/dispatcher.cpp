#include "task/dispatcher.hpp"

#include <fmt/format.h>

namespace drover::task {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kAnonymous = "System.Anonymous";

vim::Fault not_authenticated(const Call& call) {
    auto fault = vim::NotAuthenticated::make();
    fault.set_object(call.self);
    fault.set_privilegeId(call.method->privilege());
    return vim::Fault(fault, "The session is not authenticated.");
}

vim::Fault method_not_found(const Call& call) {
    auto fault = vim::MethodNotFound::make();
    fault.set_receiver(call.self);
    fault.set_method(call.method->name());
    return vim::Fault(fault,
                      fmt::format("'{}' has no method '{}'.", vim::describe(call.self.type).name(),
                                  call.method->name()));
}

}  // namespace

Dispatcher::Dispatcher(const model::Inventory& inventory, PrivilegeCheck may)
    : inventory_(inventory), may_(std::move(may)) {}

void Dispatcher::add(std::string_view method, Handler handler) {
    const vim::MethodDescriptor* descriptor = vim::find_method(method);
    DROVER_CHECK(descriptor != nullptr);
    const bool added = handlers_.emplace(descriptor, std::move(handler)).second;
    DROVER_CHECK(added);
}

void Dispatcher::add_direct(std::string_view method, std::function<Value(const Call&)> handler) {
    add(method,
        [handler = std::move(handler)](Call call) -> Awaitable<Value> { co_return handler(call); });
}

bool Dispatcher::serves(const vim::MethodDescriptor& method) const {
    return handlers_.contains(&method);
}

void Dispatcher::check(const Call& call) const {
    const std::string_view privilege = call.method->privilege();
    // Without a session nothing is told, not even whether the object exists.
    if (call.caller->session_key.empty() && privilege != kAnonymous) throw not_authenticated(call);
    if (!vim::is_a(call.self.type, call.method->owner)) throw method_not_found(call);
    if (!privilege.empty() && privilege != kAnonymous &&
        !may_(*call.caller, call.self, privilege)) {
        throw vim::no_permission(call.self, privilege);
    }
}

Awaitable<Value> Dispatcher::invoke(Call call) const {
    const model::ManagedObject* object = inventory_.find(call.self.id);
    const bool anonymous = call.method->privilege() == kAnonymous;
    if (call.caller->session_key.empty() && !anonymous) throw not_authenticated(call);
    if (object == nullptr) throw vim::object_not_found(call.self);
    call.self = object->ref();
    check(call);
    const auto handler = handlers_.find(call.method);
    if (handler == handlers_.end()) {
        throw vim::make_fault<vim::NotSupported>(
            fmt::format("{} is not supported by this server.", call.method->name()));
    }
    co_return co_await handler->second(std::move(call));
}

}  // namespace drover::task
