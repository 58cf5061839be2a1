#include "service/history/event_manager.hpp"

#include <fmt/format.h>

#include <array>

#include "service/history/event_catalog.hpp"
#include "service/history/event_filter.hpp"
#include "service/history/event_visibility.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kWriteLimit{60};
constexpr std::size_t kMostQueried = 1'000;
constexpr std::size_t kMostMessageBytes = 64 << 10;
constexpr std::size_t kMostEventBytes = 256 << 10;

vim::Fault invalid_event(std::string message) {
    return vim::make_fault<vim::InvalidEvent>(std::move(message));
}

// Clients may say what they like of themselves, not what the server alone knows.
void check_postable(const vim::Event& event) {
    const std::string_view type = vim::describe(event.dynamic_type()).name();
    if (!event.is<vim::EventEx>() && !event.is<vim::GeneralEvent>()) {
        throw invalid_event(fmt::format(
            "Events of type {} are the server's own; EventEx, GeneralUserEvent and other general "
            "events can be posted.",
            type));
    }
    if (event.dynamic_type() == TypeId::EventEx) {
        const auto extended = event.as<vim::EventEx>();
        if (extended.eventTypeId().empty()) throw invalid_event("eventTypeId is empty.");
        if (extended.severity() &&
            !vim::parse_enum<vim::EventEventSeverity>(*extended.severity())) {
            throw invalid_event(fmt::format(
                "The severity '{}' is not error, warning, info or user.", *extended.severity()));
        }
    }
    if (to_stored(event.raw()).size() > kMostEventBytes) {
        throw invalid_event(fmt::format("The event takes more than {} bytes.", kMostEventBytes));
    }
}

}  // namespace

EventManager::EventManager(Parts parts) : parts_(parts) {
    create_object();
    parts_.events.on_event(
        [this](const HistoryItem& item) { parts_.collectors.changed(store::Log::events, item); });
    auto& dispatcher = parts_.dispatcher;
    dispatcher.add("CreateCollectorForEvents",
                   [this](Call call) { return create_collector(std::move(call)); });
    dispatcher.add("QueryEvents", [this](Call call) { return query(std::move(call)); });
    dispatcher.add("PostEvent", [this](Call call) { return post(std::move(call)); });
    dispatcher.add("LogUserEvent", [this](Call call) { return log_user_event(std::move(call)); });
    dispatcher.add_direct("RetrieveArgumentDescription", [](const Call& call) {
        const auto request = call.arguments<vim::RetrieveArgumentDescriptionRequest>();
        const TypeId type = event_type_of(request.eventTypeId());
        if (type == TypeId::none) {
            throw vim::invalid_argument(
                "eventTypeId", fmt::format("There are no events '{}'.", request.eventTypeId()));
        }
        std::vector<Value> arguments;
        const std::size_t inherited = vim::describe(TypeId::Event).properties().size();
        for (const auto& property : vim::describe(type).properties().subspan(inherited)) {
            auto made = vim::EventArgDesc::make();
            made.set_name(property.name());
            made.set_type(vim::describe(property.type()).name());
            arguments.push_back(made.raw());
        }
        return Value::array(TypeId::EventArgDesc, std::move(arguments));
    });
}

void EventManager::create_object() {
    namespace property = vim::property::EventManager;
    model::Transaction transaction(parts_.inventory);
    transaction.create(parts_.manager.type, parts_.manager.id);
    transaction.set(parts_.manager, property::description, describe_events().raw());
    transaction.set(parts_.manager, property::maxCollector,
                    Value::int_(static_cast<std::int32_t>(HistoryCollectors::kMostPerSession)));
    transaction.set_computed(
        parts_.manager, property::latestEvent, [this](const model::Reader& reader) {
            const vim::Event& latest = parts_.events.latest();
            const bool visible = latest && may_see(latest, parts_.inventory, reader, parts_.root);
            return visible ? latest.raw() : Value{};
        });
    transaction.commit();
}

HistoryCollectors::Sees EventManager::eyes_of(const task::Caller& caller) const {
    if (!parts_.collectors.readers()) return nullptr;
    return [this, reader = parts_.collectors.readers()(caller)](const HistoryItem& item) {
        return may_see(vim::Event(item.value), parts_.inventory, *reader, parts_.root);
    };
}

Awaitable<Value> EventManager::create_collector(Call call) {
    const auto spec = call.arguments<vim::CreateCollectorForEventsRequest>().filter();
    const auto filter = std::make_shared<const EventFilter>(spec, parts_.root);
    co_return Value::moref(co_await parts_.collectors.create(
        store::Log::events, call.caller->session_key, spec.raw(), filter,
        spec.maxCount().value_or(0), eyes_of(*call.caller)));
}

Awaitable<Value> EventManager::query(Call call) {
    const auto spec = call.arguments<vim::QueryEventsRequest>().filter();
    const auto filter = std::make_shared<const EventFilter>(spec, parts_.root);
    std::size_t limit = kMostQueried;
    if (spec.maxCount().value_or(0) != 0) {
        limit = HistoryCollectors::page_of(*spec.maxCount(), "filter.maxCount");
    }
    co_return Value::array(TypeId::Event,
                           co_await parts_.collectors.newest(store::Log::events, filter, limit,
                                                             eyes_of(*call.caller)));
}

Awaitable<Value> EventManager::post(Call call) {
    const auto request = call.arguments<vim::PostEventRequest>();
    vim::Event event = request.eventToPost();
    check_postable(event);
    // What the server says of an event is not the poster's to choose.
    event.set_userName("");
    event.set_chainId(request.taskInfo() ? request.taskInfo().eventChainId() : 0);
    event.clear_fullFormattedMessage();
    parts_.events.post(std::move(event), call.caller->user);
    co_await written();
    co_return Value{};
}

Awaitable<Value> EventManager::log_user_event(Call call) {
    const auto request = call.arguments<vim::LogUserEventRequest>();
    const auto& entity = parts_.inventory.get(request.entity());
    if (!vim::is_a(entity.type(), TypeId::ManagedEntity)) {
        throw vim::invalid_argument("entity", "The entity is no ManagedEntity.");
    }
    if (request.msg().size() > kMostMessageBytes) {
        throw vim::invalid_argument(
            "msg", fmt::format("The message takes more than {} bytes.", kMostMessageBytes));
    }
    auto argument = vim::ManagedEntityEventArgument::make();
    argument.set_entity(entity.ref());
    const Value& name = entity.property(vim::property::ManagedEntity::name);
    argument.set_name(name ? name.as_string() : std::string_view(entity.id()));
    auto event = vim::GeneralUserEvent::make();
    event.set_message(request.msg());
    event.set_entity(argument);
    parts_.events.post(std::move(event), call.caller->user);
    co_await written();
    co_return Value{};
}

// What was posted on demand is acknowledged when it is on the disk.
Awaitable<void> EventManager::written() {
    co_await parts_.runtime.blocking(
        "history", [&history = parts_.history] { history.flush(); }, kWriteLimit);
}

}  // namespace drover::service
