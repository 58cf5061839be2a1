#pragma once

// What collectors collect: events and tasks alike.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/inventory.hpp"
#include "store/history.hpp"

namespace drover::service {

/// One event or one task, numbered in its log.
struct HistoryItem {
    std::int64_t number = 0;
    vim::Value value;  ///< Event, TaskInfo
    /// Unknown for those that come from the disk: there the query has looked at them.
    std::optional<std::vector<store::HistoryObject>> objects;
};

/// What a collector's filter lets through. Immutable: used on any thread.
class HistoryFilter {
public:
    virtual ~HistoryFilter() = default;
    virtual bool matches(const HistoryItem& item) const = 0;
    /// Narrows a query by what the disk's indexes know; `matches` still decides.
    virtual void narrow(store::HistoryQuery& query) const = 0;
    /// The item as the client wants it: with or without parts that it may leave out.
    virtual vim::Value shown(const vim::Value& value) const { return value; }
};

using HistoryFilterPtr = std::shared_ptr<const HistoryFilter>;

/// Which objects an entry is about.
struct EntityCondition {
    std::string id;
    int relations = store::kSelf;

    bool matches(const HistoryItem& item) const;
};

/// The bytes that a history keeps of a value, and back. The way back gives an unset value for what
/// is no such value (any more).
std::string to_stored(const vim::Value& value);
vim::Value from_stored(const std::string& bytes);

/// The objects that an entry belongs to: those that it is about and all above them. `lost_parent`
/// stands above a machine that is not in the inventory (any more).
std::vector<store::HistoryObject> objects_around(const model::Inventory& inventory,
                                                 const std::vector<vim::MoRef>& about,
                                                 const vim::MoRef& lost_parent);

/// Reads up to `limit` matching items on the side of `query` that it says, in its order. `more` are
/// items that may not be on the disk yet. Blocks; throws StoreError.
std::vector<HistoryItem> read_history(store::History& history, store::HistoryQuery query,
                                      const HistoryFilter& filter, std::size_t limit,
                                      std::vector<HistoryItem> more);

}  // namespace drover::service
