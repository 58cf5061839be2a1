#include "service/history/event_filter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/history/event_catalog.hpp"
#include "vim/fault.hpp"

namespace drover::service {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostListed = 1'000;

std::set<std::string, std::less<>> names(const vim::ArrayView<std::string_view>& list,
                                         std::string_view path) {
    if (list.size() > kMostListed) {
        throw vim::invalid_argument(path, fmt::format("{} has {} entries; up to {} are allowed.",
                                                      path, list.size(), kMostListed));
    }
    std::set<std::string, std::less<>> made;
    for (const std::string_view name : list) made.emplace(name);
    return made;
}

// Whether any argument of the event refers to the object.
bool refers_to(const Value& event, const std::string& id) {
    return std::ranges::any_of(event.slots(), [&id](const Value& slot) {
        if (slot.kind() != ValueKind::object) return false;
        return std::ranges::any_of(slot.slots(), [&id](const Value& inner) {
            return inner.kind() == ValueKind::moref && inner.moref_id() == id;
        });
    });
}

std::string_view extended_id(const vim::Event& event) {
    if (!event.is<vim::EventEx>() && !event.is<vim::ExtendedEvent>()) return {};
    const Value& id = event.raw().property("eventTypeId");
    return id ? id.as_string() : std::string_view{};
}

// The names of a type and all that derive from it.
void add_types(std::vector<std::string>& list, TypeId base) {
    const auto all = vim::all_types();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto id = static_cast<TypeId>(i);
        if (vim::is_a(id, base)) list.emplace_back(all[i].name());
    }
}

}  // namespace

bool UserCondition::matches(std::string_view user) const {
    if (user.empty()) return system;
    return !names || names->contains(user);
}

std::optional<EntityCondition> entity_condition(const MoRef& entity, std::string_view recursion,
                                                const MoRef& root) {
    EntityCondition made{entity.id, store::kSelf};
    if (recursion == "all") {
        if (entity.id == root.id) return std::nullopt;
        made.relations = store::kSelf | store::kAbove;
    } else if (recursion == "children") {
        made.relations = store::kAbove;
    }
    return made;
}

EventFilter::EventFilter(const vim::EventFilterSpec& spec, const MoRef& root) {
    if (const auto by = spec.entity()) {
        entity_ = entity_condition(by.entity(), vim::to_string(by.recursion()), root);
    }
    if (const auto by = spec.time()) {
        begin_ = by.beginTime();
        end_ = by.endTime();
    }
    if (const auto by = spec.userName()) {
        user_.emplace();
        user_->system = by.systemUser();
        if (!by.userList().empty()) user_->names = names(by.userList(), "filter.userName.userList");
    }
    if (spec.eventChainId().value_or(0) != 0) chain_ = spec.eventChainId();
    if (spec.alarm()) references_.push_back(spec.alarm()->id);
    if (spec.scheduledTask()) references_.push_back(spec.scheduledTask()->id);
    without_message_ = spec.disableFullMessage().value_or(false);
    categories_ = names(spec.category(), "filter.category");
    tags_ = names(spec.tag(), "filter.tag");
    std::set<std::string, std::less<>> wanted = names(spec.type(), "filter.type");
    wanted.merge(names(spec.eventTypeId(), "filter.eventTypeId"));
    has_types_ = !wanted.empty();
    for (const std::string& name : wanted) {
        const TypeId type = event_type_of(name);
        if (type != TypeId::none) types_.push_back(type);
        type_ids_.insert(name);
    }
}

bool EventFilter::matches_type(const vim::Event& event) const {
    if (!has_types_) return true;
    if (type_ids_.contains(extended_id(event))) return true;
    return std::ranges::any_of(
        types_, [&event](TypeId type) { return vim::is_a(event.dynamic_type(), type); });
}

bool EventFilter::matches_reference(const vim::Event& event) const {
    return std::ranges::all_of(
        references_, [&event](const std::string& id) { return refers_to(event.raw(), id); });
}

bool EventFilter::matches(const HistoryItem& item) const {
    const vim::Event event(item.value);
    if (entity_ && !entity_->matches(item)) return false;
    if (begin_ && event.createdTime() < *begin_) return false;
    if (end_ && event.createdTime() > *end_) return false;
    if (user_ && !user_->matches(event.userName())) return false;
    if (chain_ && event.chainId() != *chain_) return false;
    if (!categories_.empty() && !categories_.contains(category_of(event))) return false;
    if (!tags_.empty() && !tags_.contains(event.changeTag().value_or(""))) return false;
    return matches_type(event) && matches_reference(event);
}

void EventFilter::narrow(store::HistoryQuery& query) const {
    if (entity_) {
        query.object = entity_->id;
        query.relations = entity_->relations;
    }
    query.begin = begin_;
    query.end = end_;
    if (chain_) query.chains.push_back(*chain_);
    // Ids of extended events are not in the index: then all of these types are looked at.
    if (!has_types_) return;
    std::vector<std::string> types;
    for (const TypeId type : types_) add_types(types, type);
    if (types_.size() < type_ids_.size()) {
        types.emplace_back("EventEx");
        types.emplace_back("ExtendedEvent");
    }
    if (types.size() < store::History::kMostConditions / 2) query.types = std::move(types);
}

Value EventFilter::shown(const Value& value) const {
    if (!without_message_) return value;
    vim::Event event(value);
    event.clear_fullFormattedMessage();
    return event.raw();
}

}  // namespace drover::service
