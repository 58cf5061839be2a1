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
#include <vector>

#include "model/inventory.hpp"
#include "model/membership.hpp"
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

/// What an answer may still take.
struct AnswerBudget {
    std::size_t objects;     ///< updates that the client wants in one answer
    std::size_t steps;       ///< objects to look at before others get their turn
    bool truncated = false;  ///< set where `objects` did not suffice
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

    /// Who asks now. Another release than before gets everything anew.
    void use(std::shared_ptr<const Reader> reader);

    /// The client knows nothing (any more): all objects enter.
    void restart();

    /// Selects anew what changes ask for, and begins an answer with what is known to have changed
    /// by now. Throws InvalidArgument if the selection has grown beyond its limit.
    void begin_answer();
    /// Adds ObjectUpdates to `updates` until the answer is complete (then it returns true) or the
    /// budget's steps are used up.
    bool answer(AnswerBudget& budget, std::vector<Value>& updates);
    /// The starting objects that were found missing (MissingObject), each told once.
    std::vector<Value> take_missing() { return std::exchange(missing_updates_, {}); }

private:
    // A property that changed, with the value that the client knows.
    struct Pending {
        PropertyIndex property;
        bool computed;
        Value known;
    };
    // An object that is selected.
    struct Entry {
        const ManagedObject* object = nullptr;
        bool reported = false;       // the client has it
        bool queued = false;         // is in queue_
        bool resend = false;         // tell everything anew
        PrivilegeSet forbidden = 0;  // as the client was told
        std::vector<Pending> pending;
    };

    void refresh();
    void stop_watching();
    void enqueue(Entry& entry);
    void report_missing(const std::vector<MoRef>& objects);
    Value evaluate(Entry& entry) const;
    Value everything(Entry& entry, vim::ObjectUpdateKind kind) const;
    void add_changes(const Entry& entry, const SelectedPath& path, const Pending& pending,
                     std::vector<Value>& changes) const;

    MoRef ref_;
    Selection selection_;
    Membership membership_{selection_};
    bool partial_updates_;
    std::shared_ptr<const Reader> reader_;
    const Inventory& inventory_;
    Watchers& watchers_;

    std::unordered_map<std::uint64_t, Entry> entries_;
    std::deque<std::uint64_t> queue_;  // entries to look at, in the order in which they changed
    std::deque<Value> gone_;           // objects that the client has and that are not selected now
    // How many of those belong to the answer that is being made; later ones wait for the next.
    std::size_t queue_in_answer_ = 0;
    std::size_t gone_in_answer_ = 0;
    std::unordered_set<std::string> missing_;  // starting objects that were reported as missing
    std::vector<Value> missing_updates_;
};

}  // namespace drover::model
