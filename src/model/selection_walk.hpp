#pragma once

#include <vector>

#include "model/key_set.hpp"
#include "model/selection.hpp"

namespace drover::model {

/// Finds once what a Selection selects, breadth first, lists in their own order, each object once.
/// Each (object, traversal) is walked once, so cycles of names end; no recursion. The walk may be
/// interrupted: its user sees to it that objects that are destroyed meanwhile stay alive.
class SelectionWalk {
public:
    /// All three must outlive the walk. Starting objects that are not there are passed over.
    SelectionWalk(const Selection& selection, const Inventory& inventory, const Reader& reader);

    /// Follows at most `steps` references (each object's list counts as one more) and takes what it
    /// used off `steps`. True when the walk is over. Throws InvalidArgument beyond the selection's
    /// limit of objects.
    bool advance(std::size_t& steps);
    /// What was selected, in the order of the walk.
    std::vector<const ManagedObject*> take() { return std::move(selected_); }

private:
    struct Item {
        const ManagedObject* object;
        const std::vector<std::size_t>* next;
    };

    void meet(const ManagedObject& object, bool select, const std::vector<std::size_t>& next);
    void open(const ManagedObject& object, std::size_t node);
    std::size_t list_size() const;
    const ManagedObject* at(std::size_t position) const;
    void prefetch(std::size_t position) const;

    const Selection& selection_;
    const Inventory& inventory_;
    const Reader& reader_;
    std::vector<const ManagedObject*> selected_;
    std::vector<Item> queue_;
    std::size_t position_ = 0;  // in queue_
    std::size_t next_node_ = 0;
    std::size_t met_ = 0;
    KeySet seen_;
    KeySet visited_;
    // The list that is being followed.
    Value list_;
    std::vector<const ManagedObject*> objects_;  // instead of list_, where they are known
    std::size_t list_position_ = 0;
    const Selection::Node* list_node_ = nullptr;
    // The plan of the last object's type.
    TypeId plan_type_ = TypeId::none;
    const TypePlan* plan_ = nullptr;
    bool started_ = false;
};

}  // namespace drover::model
