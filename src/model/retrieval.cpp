#include "model/retrieval.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "model/collector_state.hpp"

namespace drover::model {
namespace {

// An inventory that changes its shape all the time must not keep a walk from its end: after so many
// attempts it is made in one piece.
constexpr int kMostRestarts = 3;

}  // namespace

void Retrieval::State::resume(RetrievalRest earlier) {
    rest = std::move(earlier);
    keeps_rest = true;
    selections = rest.selections;
    selection = selections.size();
    page_size = rest.page_size;
    while (items.size() < page_size && rest.position < rest.items.size()) {
        const auto& item = rest.items[rest.position++];
        const ManagedObject* object = inventory.find(item.reference.moref_id());
        if (!object || object->generation() != item.generation) continue;
        if (is_visible(*object, *reader)) items.push_back({object, item.selection});
    }
}

bool Retrieval::State::advance(std::size_t steps) {
    if (torn && selection < selections.size()) {
        ++restarts;
        selection = 0;
        walk = nullptr;
        items.clear();
    }
    torn = false;
    if (restarts >= kMostRestarts) steps = std::numeric_limits<std::size_t>::max();
    if (!walk_on(steps) || !read_on(steps)) {
        interrupt();
        return false;
    }
    finish();
    return true;
}

bool Retrieval::State::walk_on(std::size_t& steps) {
    for (; selection < selections.size(); ++selection) {
        const Selection& each = *selections[selection];
        if (!walk) {
            if (!each.reports_missing()) each.check_starts(inventory, *reader);
            walk = std::make_unique<SelectionWalk>(each, inventory, *reader);
        }
        if (!walk->advance(steps)) return false;
        for (const ManagedObject* object : walk->take()) items.push_back({object, selection});
        walk = nullptr;
    }
    return true;
}

// The objects and their values lie anywhere in memory. Each step has the memory fetch what a later
// one needs: first the object, then its values, then their contents.
void Retrieval::State::prefetch() const {
    constexpr std::size_t step = 6;
    const auto far = position + 3 * step;
    if (far >= items.size()) return;
    __builtin_prefetch(items[far].object);
    const auto each_root = [&](const Item& item, auto visit) {
        for (const auto& root : selections[item.selection]->plan(item.object->type()).roots) {
            visit(*item.object, root.property);
        }
    };
    each_root(items[position + 2 * step], [](const ManagedObject& object, PropertyIndex index) {
        object.prefetch_values(index);
    });
    each_root(items[position + step], [](const ManagedObject& object, PropertyIndex index) {
        object.prefetch_content(index);
    });
}

bool Retrieval::State::read_on(std::size_t& steps) {
    if (position == 0) gathered->reserve(std::min(items.size(), page_size));
    for (; position < items.size() && gathered->size() < page_size; ++position) {
        if (steps == 0) return false;
        --steps;
        prefetch();
        const auto& [object, index] = items[position];
        if (interrupted && !is_there(*object)) continue;
        gathered->add(*object, selections[index]->plan(object->type()), *reader);
    }
    return true;
}

void Retrieval::State::finish() {
    for (const auto& each : selections) gathered->hold(each);
    subscription.reset();
    if (!keeps_rest) {
        rest.page_size = page_size;
        rest.selections = selections;
        for (; position < items.size(); ++position) {
            const ManagedObject& object = *items[position].object;
            if (interrupted && !is_there(object)) continue;
            rest.items.push_back(
                {object.reference(), object.generation(), items[position].selection});
        }
    }
    if (rest.position >= rest.items.size()) return;
    const auto keeper = collector.lock();
    if (!keeper) throw vim::object_not_found(collector_ref);
    gathered->set_token(keeper->keep(std::move(rest), rest_limit));
}

// Others may write now. Objects that go stay alive for us, and what tears the walk is noted.
void Retrieval::State::interrupt() {
    if (std::exchange(interrupted, true)) return;
    subscription = inventory.observe([this](const Delta& delta) { note(delta); });
}

void Retrieval::State::note(const Delta& delta) {
    destroyed.insert(destroyed.end(), delta.destroyed.begin(), delta.destroyed.end());
    if (torn || selection >= selections.size()) return;
    torn = std::ranges::any_of(selections, [&](const auto& each) {
        return std::ranges::any_of(
                   delta.changes,
                   [&](const PropertyChange& change) {
                       return each->plan(change.object->type()).traversed.test(change.property);
                   }) ||
               std::ranges::any_of(delta.destroyed, [&](const auto& object) {
                   return each->plan(object->type()).traversed.any();
               });
    });
}

bool Retrieval::State::is_there(const ManagedObject& object) const {
    return inventory.find(std::string_view(object.id())) == &object && is_visible(object, *reader);
}

Retrieval::Retrieval(std::unique_ptr<State> state) : state_(std::move(state)) {}
Retrieval::Retrieval(Retrieval&&) noexcept = default;
Retrieval::~Retrieval() = default;

bool Retrieval::advance(std::size_t steps) {
    return state_->advance(steps);
}

std::shared_ptr<const Gathered> Retrieval::take() {
    return std::move(state_->gathered);
}

}  // namespace drover::model
