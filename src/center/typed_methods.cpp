#include "center/typed_methods.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

std::string name_of(const model::Inventory& inventory, const vim::MoRef& entity) {
    const model::ManagedObject* object = inventory.find(entity);
    if (object == nullptr || !vim::is_a(entity.type, TypeId::ManagedEntity)) return {};
    const Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

}  // namespace

void TypedMethods::add(TypeId type, std::string_view method, task::Handler handler) {
    auto [at, is_new] = methods_.try_emplace(std::string(method));
    auto& served = at->second;
    for (const Served& other : served) DROVER_CHECK(other.type != type);
    // Before the first of its bases, so that the most derived comes first.
    const auto before = std::ranges::find_if(
        served, [type](const Served& other) { return vim::is_a(type, other.type); });
    served.insert(before, {type, std::move(handler)});
    if (!is_new) return;
    dispatcher_.add(method, [this, &served](Call call) { return invoke(served, std::move(call)); });
}

Awaitable<Value> TypedMethods::invoke(const std::vector<Served>& served, Call call) const {
    for (const Served& each : served) {
        if (!vim::is_a(call.self.type, each.type)) continue;
        const task::Handler handler = each.handler;
        co_return co_await handler(std::move(call));
    }
    throw vim::make_fault<vim::NotSupported>(fmt::format(
        "{} does not work on a {}.", call.method->name(), vim::describe(call.self.type).name()));
}

void TypedMethods::add_task(TypeId type, std::string_view method, std::string description_id,
                            task::Tasks::MethodBody body, bool cancelable) {
    tasks_.declare(description_id, method);
    add(type, method,
        [this, description_id = std::move(description_id), body = std::move(body),
         cancelable](Call call) -> Awaitable<Value> {
            task::TaskSpec spec;
            spec.description_id = description_id;
            spec.entity = call.self;
            spec.entity_name = name_of(inventory_, call.self);
            spec.method = call.method;
            spec.user = call.caller->user;
            spec.cancelable = cancelable;
            spec.request = call.request;
            co_return Value::moref(
                tasks_.start(std::move(spec), [call, body](task::TaskContextPtr context) {
                    return body(call, std::move(context));
                }));
        });
}

}  // namespace drover::center
