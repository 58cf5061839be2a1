#include "task/dispatcher.hpp"

#include <fmt/format.h>

namespace drover::task {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kAnonymous = "System.Anonymous";
constexpr std::string_view kView = "System.View";

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

void Dispatcher::decorate(std::string_view method, const std::function<Handler(Handler)>& around) {
    const vim::MethodDescriptor* descriptor = vim::find_method(method);
    DROVER_CHECK(descriptor != nullptr);
    const auto found = handlers_.find(descriptor);
    if (found != handlers_.end()) found->second = around(std::move(found->second));
}

bool Dispatcher::serves(const vim::MethodDescriptor& method) const {
    return handlers_.contains(&method);
}

void Dispatcher::check(const Call& call) const {
    const std::string_view privilege = call.method->privilege();
    // Without a session nothing is told, not even whether the object exists.
    if (call.caller->session_key.empty() && privilege != kAnonymous) throw not_authenticated(call);
    if (!vim::is_a(call.self.type, call.method->owner)) throw method_not_found(call);
    if (privilege == kAnonymous) return;
    // What has no privilege of its own is for those who see the object.
    require(call, call.self, privilege.empty() ? kView : privilege);
    check_parameters(call);
    if (!requirements_) return;
    for (const Requirement& each : requirements_(call)) {
        if (inventory_.find(each.object) != nullptr) require(call, each.object, each.privilege);
    }
}

void Dispatcher::require(const Call& call, const MoRef& object, std::string_view privilege) const {
    if (!may_(*call.caller, object, privilege)) throw vim::no_permission(object, privilege);
}

// "entity: ManagedEntity& requires Authorization.ModifyPermissions"
void Dispatcher::check_parameters(const Call& call) const {
    if (call.request.kind() != vim::ValueKind::object) return;
    const auto parameters = vim::describe(call.request.type()).properties();
    const auto check_one = [&](const Value& reference, std::string_view privilege) {
        if (reference.kind() != vim::ValueKind::moref) return;
        const model::ManagedObject* object = inventory_.find(reference.moref_id());
        if (object == nullptr) throw vim::object_not_found(reference.as_moref());
        require(call, object->ref(), privilege);
    };
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto privilege = parameters[i].privilege();
        const Value& given = call.request.slots()[i];
        if (privilege.empty() || !given) continue;
        check_one(given, privilege);
        // Lists of objects that need but be seen may name what is gone or hidden: the methods pass
        // over it and tell which it was.
        if (given.kind() != vim::ValueKind::array || privilege == kView) continue;
        for (const Value& each : given.elements()) check_one(each, privilege);
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
