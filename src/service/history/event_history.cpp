#include "service/history/event_history.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <limits>

#include "base/log.hpp"
#include "service/history/event_catalog.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

// A configuration that a client made as large as it liked is not kept a second time.
void drop_config(vim::Event& event) {
    if (auto being_created = event.as<vim::VmBeingCreatedEvent>()) {
        being_created.clear_configSpec();
        event = being_created;
    } else if (auto reconfigured = event.as<vim::VmReconfiguredEvent>()) {
        reconfigured.set_configSpec(vim::VirtualMachineConfigSpec::make());
        event = reconfigured;
    } else if (auto of_task = event.as<vim::TaskEvent>()) {
        auto info = of_task.info();
        info.clear_result();
        info.clear_error();
        of_task.set_info(info);
        event = of_task;
    }
}

// Whether it holds what a client, or a task, may have made as large as it liked.
bool may_be_large(const vim::Event& event) {
    if (const auto of_task = event.as<vim::TaskEvent>()) {
        return of_task.info().raw().property("result") || of_task.info().error();
    }
    return event.is<vim::VmBeingCreatedEvent>() || event.is<vim::VmReconfiguredEvent>() ||
           event.is<vim::EventEx>() || event.is<vim::ExtendedEvent>();
}

}  // namespace

std::vector<MoRef> objects_of(const vim::Event& event) {
    std::vector<MoRef> found;
    for (const Value& slot : event.raw().slots()) {
        if (slot.kind() != ValueKind::object) continue;
        if (vim::is_a(slot.type(), TypeId::EventArgument)) {
            for (const Value& inner : slot.slots()) {
                if (inner.kind() == ValueKind::moref) found.push_back(inner.as_moref());
            }
        } else if (vim::is_a(slot.type(), TypeId::TaskInfo)) {
            const auto entity = vim::TaskInfo(slot).entity();
            if (entity) found.push_back(*entity);
        }
    }
    if (event.is<vim::EventEx>()) {
        const Value& id = event.raw().property("objectId");
        const Value& type = event.raw().property("objectType");
        const TypeId known = type ? vim::find_type(type.as_string()) : TypeId::none;
        if (id && known != TypeId::none) found.push_back({known, std::string(id.as_string())});
    }
    if (event.is<vim::ExtendedEvent>()) {
        const Value& object = event.raw().property("managedObject");
        if (object) found.push_back(object.as_moref());
    }
    return found;
}

EventHistory::EventHistory(Parts parts) : parts_(std::move(parts)) {
    const auto first = parts_.history.first_free_number(store::Log::events);
    next_key_ = static_cast<std::int32_t>(std::min<std::int64_t>(first, 2'000'000'000));
    store::HistoryQuery query;
    query.newest_first = true;
    query.limit = 1;
    const auto entries = parts_.history.query(query);
    const Value value = entries.empty() ? Value{} : from_stored(entries.front().value);
    if (value && vim::is_a(value.type(), TypeId::Event)) latest_ = vim::Event(value);
}

void EventHistory::fill(vim::Event& event, const std::string& user) {
    event.set_key(next_key_++);
    if (event.chainId() == 0) event.set_chainId(event.key());
    event.set_createdTime(parts_.runtime.clock().wall_now());
    if (event.userName().empty()) event.set_userName(user);
    if (parts_.complete) parts_.complete(event);
    if (auto of_task = event.as<vim::TaskEvent>()) {
        auto info = of_task.info();
        if (info.eventChainId() == 0) info.set_eventChainId(event.chainId());
        of_task.set_info(info);
        event = of_task;
    }
    if (!event.fullFormattedMessage()) event.set_fullFormattedMessage(format_event(event));
}

std::int32_t EventHistory::post(vim::Event event, const std::string& user) {
    fill(event, user);
    store::HistoryEntry entry;
    if (may_be_large(event)) {
        entry.value = to_stored(event.raw());
        if (entry.value.size() > kMostBytes) {
            drop_config(event);
            entry.value = to_stored(event.raw());
        }
    } else {
        entry.encode = [event] { return to_stored(event.raw()); };  // off the strand
    }
    auto about = objects_of(event);
    if (about.empty()) about.push_back(parts_.root);
    entry.log = store::Log::events;
    entry.number = event.key();
    entry.chain = event.chainId();
    entry.type = vim::describe(event.dynamic_type()).name();
    entry.user = event.userName();
    entry.time = event.createdTime();
    entry.objects = objects_around(parts_.inventory, about, parts_.lost_parent);
    latest_ = event;
    const HistoryItem item{event.key(), event.raw(), entry.objects};
    parts_.history.append(std::move(entry));
    for (const auto& listener : listeners_) listener(item);
    publish_soon();
    return event.key();
}

void EventHistory::publish_soon() {
    if (std::exchange(is_announced_, true)) return;
    boost::asio::post(parts_.runtime.strand(), [this] {
        is_announced_ = false;
        if (parts_.inventory.find(parts_.manager) == nullptr) return;
        model::Transaction transaction(parts_.inventory);
        transaction.touch(parts_.manager, vim::property::EventManager::latestEvent);
        transaction.commit();
    });
}

}  // namespace drover::service
