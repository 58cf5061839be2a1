#pragma once

// One filter of a PropertyCollector: what it selects, what its client knows of that, and what has
// changed since. Private to this directory; used by PropertyCollectors.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/inventory.hpp"
#include "model/selection.hpp"
#include "vim/types.hpp"

namespace drover::model {

class PropertyFilter;

/// Which filters want to hear of an object, by its generation.
class Watchers {
public:
    void add(std::uint64_t generation, PropertyFilter* filter);
    void remove(std::uint64_t generation, PropertyFilter* filter);
    const std::vector<PropertyFilter*>* find(std::uint64_t generation) const;
    std::vector<PropertyFilter*> take(std::uint64_t generation);

private:
    std::unordered_map<std::uint64_t, std::vector<PropertyFilter*>> filters_;
};

class PropertyFilter {
public:
    /// Selects at once, so that what is wrong with the spec shows. Throws ManagedObjectNotFound for
    /// starting objects that are not there, unless the spec wants them reported.
    PropertyFilter(MoRef ref, Selection selection, bool partial_updates,
                   std::shared_ptr<const Reader> reader, const Inventory& inventory,
                   Watchers& watchers);
    ~PropertyFilter();
    PropertyFilter(const PropertyFilter&) = delete;
    PropertyFilter& operator=(const PropertyFilter&) = delete;

    const MoRef& ref() const { return ref_; }

    // Notes, in constant time each. True if the client may have to be told.
    bool note_change(const PropertyChange& change);
    bool note_destroyed(const ManagedObject& object);
    bool note_created(const ManagedObject& object);
    void note_permissions();

    /// The client knows nothing (any more): all objects enter.
    void restart();

    /// Selects anew if a change asks for that. Throws InvalidArgument if the selection has grown
    /// beyond its limit.
    void refresh();

    /// After refresh(): what the client has to be told, at most `max_objects` object updates; takes
    /// what it used off `max_objects` and sets `truncated` if there is more. Empty if there is
    /// nothing.
    std::optional<vim::PropertyFilterUpdate> collect(std::size_t& max_objects, bool& truncated);

private:
    // A property that changed, with the value that the client knows.
    struct Pending {
        PropertyIndex property;
        bool computed;
        Value known;
    };
    struct Entry {
        const ManagedObject* object;
        bool selected = false;  // belongs to the filter's result
        bool passed = false;    // leads on to others
        bool reported = false;  // the client has it
        bool queued = false;    // is in queue_
        bool resend = false;    // tell everything anew
        std::uint32_t round = 0;
        std::vector<Pending> pending;
    };

    void stop_watching();
    void forget(std::uint64_t generation);
    void enqueue(Entry& entry);
    void report_missing(const MoRef& object);
    std::optional<vim::ObjectUpdate> evaluate(const Entry& entry) const;
    vim::ObjectUpdate everything(const Entry& entry, vim::ObjectUpdateKind kind) const;
    void add_changes(const Entry& entry, const SelectedPath& path, const Pending& pending,
                     std::vector<vim::PropertyChange>& changes) const;
    void settle(std::uint64_t generation, Entry& entry);

    MoRef ref_;
    Selection selection_;
    bool partial_updates_;
    std::shared_ptr<const Reader> reader_;
    const Inventory& inventory_;
    Watchers& watchers_;

    std::unordered_map<std::uint64_t, Entry> entries_;
    std::deque<std::uint64_t> queue_;  // entries to look at, in the order in which they changed
    std::deque<MoRef> gone_;           // reported objects that were destroyed
    std::unordered_set<std::string> dangling_;
    std::unordered_set<std::string> missing_;  // starting objects that were reported as missing
    std::vector<vim::MissingObject> missing_updates_;
    bool reselect_ = false;
    std::uint32_t round_ = 0;
};

}  // namespace drover::model
