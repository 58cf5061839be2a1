#include "model/property_filter.hpp"

#include <algorithm>

#include "model/content.hpp"
#include "model/property_diff.hpp"
#include "model/visible_references.hpp"
#include "vim/fault.hpp"

namespace drover::model {

using vim::ObjectUpdateKind;
using vim::PropertyChangeOp;

void Watchers::add(std::uint64_t generation, PropertyFilter* filter) {
    filters_[generation].push_back(filter);
}

void Watchers::remove(std::uint64_t generation, PropertyFilter* filter) {
    const auto found = filters_.find(generation);
    if (found == filters_.end()) return;
    std::erase(found->second, filter);
    if (found->second.empty()) filters_.erase(found);
}

const std::vector<PropertyFilter*>* Watchers::find(std::uint64_t generation) const {
    const auto found = filters_.find(generation);
    return found == filters_.end() ? nullptr : &found->second;
}

std::vector<PropertyFilter*> Watchers::take(std::uint64_t generation) {
    auto node = filters_.extract(generation);
    return node ? std::move(node.mapped()) : std::vector<PropertyFilter*>{};
}

PropertyFilter::PropertyFilter(MoRef ref, Selection selection, bool partial_updates,
                               std::shared_ptr<const Reader> reader, const Inventory& inventory,
                               Watchers& watchers)
    : ref_(std::move(ref)),
      selection_(std::move(selection)),
      partial_updates_(partial_updates),
      reader_(std::move(reader)),
      inventory_(inventory),
      watchers_(watchers) {
    if (!selection_.reports_missing()) selection_.check_starts(inventory_, *reader_);
    refresh();
}

void PropertyFilter::stop_watching() {
    membership_.for_each_member(
        [&](std::uint64_t generation) { watchers_.remove(generation, this); });
}

PropertyFilter::~PropertyFilter() {
    stop_watching();
}

void PropertyFilter::enqueue(Entry& entry) {
    if (std::exchange(entry.queued, true)) return;
    queue_.push_back(entry.object->generation());
}

bool PropertyFilter::note_change(const PropertyChange& change) {
    bool matters = membership_.note_change(change);
    const auto found = entries_.find(change.object->generation());
    if (found == entries_.end()) return matters;
    Entry& entry = found->second;
    if (!entry.reported) return matters;
    if (!selection_.plan(change.object->type()).watched.test(change.property)) return matters;
    const auto known = std::ranges::find(entry.pending, change.property, &Pending::property);
    if (known == entry.pending.end()) {
        entry.pending.push_back({change.property, change.computed, change.old_value});
    } else if (change.computed) {
        known->computed = true;
    }
    enqueue(entry);
    return true;
}

bool PropertyFilter::note_destroyed(const ManagedObject& object) {
    const bool was_member = membership_.note_destroyed(object);
    const auto found = entries_.find(object.generation());
    if (found == entries_.end()) return was_member;
    if (found->second.reported) gone_.push_back(object.reference());
    entries_.erase(found);
    return true;
}

bool PropertyFilter::note_created(const ManagedObject& object) {
    return membership_.note_created(object);
}

void PropertyFilter::note_permissions() {
    membership_.invalidate();
    for (auto& [generation, entry] : entries_) {
        if (entry.reported) enqueue(entry);
    }
}

void PropertyFilter::use(std::shared_ptr<const Reader> reader) {
    reader_ = std::move(reader);
    if (reader_->release() == selection_.release()) return;
    selection_.use_release(reader_->release());
    for (auto& [generation, entry] : entries_) {
        if (!entry.reported) continue;
        entry.resend = true;
        enqueue(entry);
    }
}

void PropertyFilter::restart() {
    gone_.clear();
    queue_.clear();
    missing_.clear();
    missing_updates_.clear();
    entries_.clear();
    membership_.restart();
}

void PropertyFilter::report_missing(const std::vector<MoRef>& objects) {
    // A starting object that came back is no longer missing.
    std::erase_if(missing_, [&](const std::string& id) {
        return std::ranges::find(objects, id, &MoRef::id) == objects.end();
    });
    for (const MoRef& object : objects) {
        if (!missing_.insert(object.id).second) continue;
        auto missing = vim::MissingObject::make();
        missing.set_obj(object);
        missing.set_fault(vim::object_not_found(object).localized());
        missing_updates_.push_back(missing.raw());
    }
}

void PropertyFilter::refresh() {
    if (membership_.is_current()) return;
    const auto turn = membership_.refresh(inventory_, *reader_);
    for (const std::uint64_t generation : turn.met) watchers_.add(generation, this);
    for (const std::uint64_t generation : turn.forgotten) watchers_.remove(generation, this);
    for (const ManagedObject* object : turn.left) {
        const auto found = entries_.find(object->generation());
        if (found == entries_.end()) continue;
        // It is no member now, so nobody would tell us of its end.
        if (found->second.reported) gone_.push_back(object->reference());
        entries_.erase(found);
    }
    for (const ManagedObject* object : turn.entered) {
        Entry& entry = entries_.try_emplace(object->generation()).first->second;
        entry.object = object;
        enqueue(entry);
    }
    if (turn.walked) report_missing(turn.missing);
}

Value PropertyFilter::everything(Entry& entry, ObjectUpdateKind kind) const {
    std::vector<Value> changes;
    std::vector<Value> missing;
    const TypePlan& plan = selection_.plan(entry.object->type());
    entry.forbidden = forbidden(plan, *entry.object, *reader_);
    changes.reserve(plan.paths.size());
    for (const SelectedPath& path : plan.paths) {
        if ((entry.forbidden & plan.privilege_bit(path)) != 0) {
            missing.push_back(make_missing(entry.object->ref(), plan, path).raw());
            // What the client had it must not show any more.
            if (kind == ObjectUpdateKind::modify) {
                changes.push_back(make_change(path.name, PropertyChangeOp::indirectRemove, {}));
            }
            continue;
        }
        const Value value = path.path.evaluate(*entry.object, *reader_);
        if (value || kind == ObjectUpdateKind::modify) {
            changes.push_back(make_change(path.name, PropertyChangeOp::assign, value));
        }
    }
    return make_update(kind, entry.object->reference(), std::move(changes), std::move(missing));
}

void PropertyFilter::add_changes(const Entry& entry, const SelectedPath& path,
                                 const Pending& pending, std::vector<Value>& changes) const {
    const ManagedObject& object = *entry.object;
    const bool computed = pending.computed || object.is_computed(pending.property);
    const Value root = object.read(pending.property, *reader_);
    const Value after = path.path.evaluate(root);
    const Value before = path.path.evaluate(as_seen(pending.known, *reader_));
    if (!computed && before == after) return;
    if (!after && !path.path.has_container(root)) {
        changes.push_back(make_change(path.name, PropertyChangeOp::indirectRemove, {}));
    } else if (!after && path.path.ends_at_element()) {
        changes.push_back(make_change(path.name, PropertyChangeOp::remove, {}));
    } else if (!partial_updates_ || computed || !before || !after) {
        changes.push_back(make_change(path.name, PropertyChangeOp::assign, after));
    } else {
        for (auto& nested : diff(path.path.text(), before, after, selection_.release())) {
            changes.push_back(make_change(Value::string(nested.path), nested.op, nested.value));
        }
    }
}

// The ObjectUpdate that brings the client up to date; unset if it is.
Value PropertyFilter::evaluate(Entry& entry) const {
    const ManagedObject& object = *entry.object;
    if (!entry.reported) return everything(entry, ObjectUpdateKind::enter);
    if (entry.resend) return everything(entry, ObjectUpdateKind::modify);
    const TypePlan& plan = selection_.plan(object.type());
    const PrivilegeSet before = entry.forbidden;
    entry.forbidden = forbidden(plan, object, *reader_);
    std::vector<Value> changes;
    std::vector<Value> missing;
    for (const SelectedPath& path : plan.paths) {
        const PrivilegeSet bit = plan.privilege_bit(path);
        if ((entry.forbidden & bit) != 0) {
            if ((before & bit) != 0) continue;
            changes.push_back(make_change(path.name, PropertyChangeOp::indirectRemove, {}));
            missing.push_back(make_missing(object.ref(), plan, path).raw());
        } else if ((before & bit) != 0) {
            const Value value = path.path.evaluate(object, *reader_);
            changes.push_back(make_change(path.name, PropertyChangeOp::assign, value));
        } else {
            const auto pending =
                std::ranges::find(entry.pending, path.path.root(), &Pending::property);
            if (pending != entry.pending.end()) add_changes(entry, path, *pending, changes);
        }
    }
    if (changes.empty()) return {};
    return make_update(ObjectUpdateKind::modify, object.reference(), std::move(changes),
                       std::move(missing));
}

void PropertyFilter::begin_answer() {
    refresh();
    queue_in_answer_ = queue_.size();
    gone_in_answer_ = gone_.size();
}

bool PropertyFilter::answer(AnswerBudget& budget, std::vector<Value>& updates) {
    const auto take = [](std::size_t& left) { return left > 0 && left-- > 0; };
    // Departures first: an id that was made anew must leave before it enters.
    for (; gone_in_answer_ > 0 && !gone_.empty(); --gone_in_answer_) {
        if (!take(budget.objects)) {
            budget.truncated = true;
            return true;
        }
        updates.push_back(make_update(ObjectUpdateKind::leave, gone_.front(), {}, {}));
        gone_.pop_front();
    }
    for (; queue_in_answer_ > 0 && !queue_.empty(); --queue_in_answer_) {
        if (budget.steps == 0) return false;
        const std::uint64_t generation = queue_.front();
        const auto found = entries_.find(generation);
        if (found != entries_.end()) {
            --budget.steps;
            Entry& entry = found->second;
            const PrivilegeSet told = entry.forbidden;
            if (Value update = evaluate(entry)) {
                if (!take(budget.objects)) {
                    entry.forbidden = told;
                    budget.truncated = true;
                    return true;
                }
                updates.push_back(std::move(update));
            }
            entry.queued = entry.resend = false;
            entry.reported = true;
            entry.pending = {};
        }
        queue_.pop_front();
    }
    return true;
}

}  // namespace drover::model
