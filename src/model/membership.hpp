#pragma once

// What a Selection selects, kept true while the inventory changes.
//
// Every object that the selection meets is a member; it counts the ways that lead to it, and the
// lists that were followed are remembered. A list that changed is compared with what it was: new
// references are followed, lost ones taken back, and a member to which no way leads is gone. So one
// machine more or less among ten thousand costs little. Counts can't tell a cycle that only holds
// itself; where one is possible (an object that leads on loses one of several ways) everything is
// walked anew.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/key_set.hpp"
#include "model/selection.hpp"

namespace drover::model {

class Membership {
public:
    /// What a refresh found.
    struct Turn {
        std::vector<std::uint64_t> met;             ///< members from now on (generations)
        std::vector<std::uint64_t> forgotten;       ///< members no longer
        std::vector<const ManagedObject*> entered;  ///< selected now, in the order of the walk
        std::vector<const ManagedObject*> left;     ///< not selected any more, but alive
        std::vector<MoRef> missing;  ///< all starting objects that are not there; if `walked`
        bool walked = false;         ///< everything was walked anew
    };

    /// The selection must outlive it and keep its nodes.
    explicit Membership(const Selection& selection);

    // Notes, in constant time each. True if a refresh may find something.
    bool note_change(const PropertyChange& change);
    /// The object is no member any more, and no Turn will say so.
    bool note_destroyed(const ManagedObject& object);
    bool note_created(const ManagedObject& object);

    /// What the reader may see has changed.
    void invalidate() { stale_ = true; }
    /// As invalidate, and all that is selected enters again.
    void restart();

    bool is_current() const { return !stale_ && dirty_.empty() && collapsed_.empty(); }
    /// Throws InvalidArgument beyond the selection's limit of objects, and then does so again until
    /// there are less.
    Turn refresh(const Inventory& inventory, const Reader& reader);

    /// Calls `visit` with the generation of each member.
    template <class Visit>
    void for_each_member(Visit visit) const {
        for (const auto& [generation, member] : members_) visit(generation);
    }

private:
    struct Member {
        const ManagedObject* object = nullptr;
        std::uint32_t ways = 0;     // that lead here
        std::uint32_t selects = 0;  // those of them that select
        std::uint32_t round = 0;
        bool announced = false;
        bool touched = false;
    };
    // One traversal, applied to one object.
    struct Expansion {
        const ManagedObject* object = nullptr;
        std::uint32_t ways = 0;
        Value followed;
        bool dirty = false;
    };
    struct Cut {
        Value reference;
        std::size_t node;
    };
    class Work;

    void touch(std::uint64_t generation, Member& member);

    const Selection& selection_;
    std::unordered_map<std::uint64_t, Member> members_;
    std::unordered_map<std::uint64_t, Expansion> expansions_;  // by expansion_key()
    std::unordered_map<std::string, std::uint32_t> dangling_;  // ways that lead to no object
    std::vector<std::uint64_t> dirty_;                         // keys of expansions
    std::vector<std::pair<Value, std::size_t>> collapsed_;     // lists of destroyed objects
    std::vector<std::uint64_t> touched_;                       // members whose counts changed
    Turn turn_;
    std::size_t met_ = 0;  // all ways to members
    std::uint32_t round_ = 0;
    bool stale_ = true;
};

}  // namespace drover::model
