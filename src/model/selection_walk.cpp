#include "model/selection_walk.hpp"

#include <algorithm>

namespace drover::model {

SelectionWalk::SelectionWalk(const Selection& selection, const Inventory& inventory,
                             const Reader& reader)
    : selection_(selection), inventory_(inventory), reader_(reader) {}

bool SelectionWalk::advance(std::size_t& steps) {
    if (!started_) {
        started_ = true;
        for (const auto& start : selection_.starts()) {
            const ManagedObject* object = inventory_.find(start.object);
            if (object && is_visible(*object, reader_)) meet(*object, !start.skip, start.next);
        }
    }
    while (true) {
        for (const std::size_t size = list_size(); list_position_ < size; ++list_position_) {
            if (steps == 0) return false;
            --steps;
            prefetch(list_position_);
            const ManagedObject* object = at(list_position_);
            if (!object || !is_visible(*object, reader_)) continue;
            meet(*object, !list_node_->skip, list_node_->next);
        }
        if (position_ >= queue_.size()) return true;
        if (steps == 0) return false;
        --steps;
        const Item item = queue_[position_];
        open(*item.object, (*item.next)[next_node_]);
        if (++next_node_ == item.next->size()) {
            next_node_ = 0;
            ++position_;
        }
    }
}

void SelectionWalk::meet(const ManagedObject& object, bool select,
                         const std::vector<std::size_t>& next) {
    if (++met_ > selection_.max_objects()) throw selection_.too_many_objects();
    if (object.type() != plan_type_) {
        plan_type_ = object.type();
        plan_ = &selection_.plan(plan_type_);
    }
    if (select && plan_->selectable && seen_.insert(object.generation())) {
        selected_.push_back(&object);
    }
    const TypePlan& plan = *plan_;
    if (std::ranges::any_of(next, [&](std::size_t node) { return plan.applies[node]; })) {
        queue_.push_back({&object, &next});
    }
}

void SelectionWalk::open(const ManagedObject& object, std::size_t node) {
    list_ = {};
    objects_.clear();
    list_position_ = 0;
    list_node_ = &selection_.nodes()[node];
    if (!vim::is_a(object.type(), list_node_->type)) return;
    if (!visited_.insert(expansion_key(object.generation(), node))) return;
    const PropertyPath& path = list_node_->path;
    if (const auto* known = path.is_root() ? object.objects(path.root(), reader_) : nullptr) {
        objects_ = *known;
    } else {
        list_ = path.evaluate(object, reader_);
    }
}

std::size_t SelectionWalk::list_size() const {
    return list_ ? references_in(list_).size() : objects_.size();
}

const ManagedObject* SelectionWalk::at(std::size_t position) const {
    if (!list_) return objects_[position];
    const Value& reference = references_in(list_)[position];
    if (reference.kind() != vim::ValueKind::moref) return nullptr;
    return inventory_.find(reference.moref_id());
}

// Lists are long and what they name lies anywhere in memory.
void SelectionWalk::prefetch(std::size_t position) const {
    constexpr std::size_t ahead = 8;
    if (position + ahead >= list_size()) return;
    if (list_) {
        references_in(list_)[position + ahead].prefetch();
    } else {
        __builtin_prefetch(objects_[position + ahead]);
    }
}

}  // namespace drover::model
