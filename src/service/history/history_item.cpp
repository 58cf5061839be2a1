#include "service/history/history_item.hpp"

#include <algorithm>
#include <map>

#include "vim/json.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kLeastChunk = 100;
constexpr std::size_t kMostChunk = 2'000;
constexpr int kMostAncestors = 100;

// The entities directly above one.
std::vector<MoRef> above(const model::Inventory& inventory, const MoRef& entity,
                         const MoRef& lost_parent) {
    std::vector<MoRef> found;
    const model::ManagedObject* object = inventory.find(entity.id);
    if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) {
        if (object == nullptr && entity.type == TypeId::VirtualMachine && lost_parent) {
            found.push_back(lost_parent);
        }
        return found;
    }
    const auto add = [&found](const Value& reference) {
        if (reference) found.push_back(reference.as_moref());
    };
    add(object->property(vim::property::ManagedEntity::parent));
    if (object->type() == TypeId::VirtualMachine) {
        add(object->property(vim::property::VirtualMachine::resourcePool));
    }
    return found;
}

bool is_before(const store::HistoryQuery& query, std::int64_t left, std::int64_t right) {
    return query.newest_first ? left > right : left < right;
}

bool is_in_range(const store::HistoryQuery& query, std::int64_t number) {
    return (!query.after || number > *query.after) && (!query.before || number < *query.before);
}

}  // namespace

bool EntityCondition::matches(const HistoryItem& item) const {
    if (!item.objects) return true;
    return std::ranges::any_of(*item.objects, [this](const store::HistoryObject& object) {
        return object.id == id && (object.relation & relations) != 0;
    });
}

std::string to_stored(const Value& value) {
    return vim::encode_json_value(value, TypeId::anyType, vim::newest_release());
}

Value from_stored(const std::string& bytes) {
    try {
        return vim::decode_json_value(bytes, TypeId::anyType);
    } catch (const vim::Fault&) {
        return {};
    }
}

std::vector<store::HistoryObject> objects_around(const model::Inventory& inventory,
                                                 const std::vector<MoRef>& about,
                                                 const MoRef& lost_parent) {
    std::map<std::string, int> relations;
    std::vector<MoRef> next;
    for (const MoRef& object : about) {
        if (!object || (relations[object.id] & store::kSelf) != 0) continue;
        relations[object.id] |= store::kSelf;
        const auto parents = above(inventory, object, lost_parent);
        next.insert(next.end(), parents.begin(), parents.end());
    }
    for (int steps = 0; !next.empty() && steps < kMostAncestors; ++steps) {
        const MoRef object = next.back();
        next.pop_back();
        int& relation = relations[object.id];
        if ((relation & store::kAbove) != 0) continue;
        relation |= store::kAbove;
        const auto parents = above(inventory, object, lost_parent);
        next.insert(next.end(), parents.begin(), parents.end());
    }
    std::vector<store::HistoryObject> found;
    for (const auto& [id, relation] : relations) found.push_back({id, relation});
    return found;
}

std::vector<HistoryItem> read_history(store::History& history, store::HistoryQuery query,
                                      const HistoryFilter& filter, std::size_t limit,
                                      std::vector<HistoryItem> more) {
    history.flush();
    filter.narrow(query);
    std::map<std::int64_t, HistoryItem> found;
    for (HistoryItem& item : more) {
        if (is_in_range(query, item.number) && filter.matches(item)) {
            found.emplace(item.number, std::move(item));
        }
    }
    query.limit = std::clamp(limit, kLeastChunk, kMostChunk);
    std::size_t matched = 0;
    while (matched < limit) {
        const auto entries = history.query(query);
        for (const store::HistoryEntry& entry : entries) {
            HistoryItem item{entry.number, from_stored(entry.value), std::nullopt};
            // What is on the disk is newer than what was gathered before it was read.
            if (!item.value || !filter.matches(item)) continue;
            found.insert_or_assign(entry.number, std::move(item));
            if (++matched == limit) break;
        }
        if (entries.size() < query.limit) break;
        (query.newest_first ? query.before : query.after) = entries.back().number;
    }
    std::vector<HistoryItem> items;
    for (auto& [_, item] : found) items.push_back(std::move(item));
    std::ranges::sort(items, [&](const HistoryItem& left, const HistoryItem& right) {
        return is_before(query, left.number, right.number);
    });
    if (items.size() > limit) items.resize(limit);
    return items;
}

}  // namespace drover::service
