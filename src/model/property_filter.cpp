#include "model/property_filter.hpp"

#include <algorithm>

#include "model/content.hpp"
#include "model/property_diff.hpp"
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
    reselect_ = true;
    try {
        refresh();
    } catch (...) {
        stop_watching();
        throw;
    }
}

void PropertyFilter::stop_watching() {
    for (const auto& [generation, entry] : entries_) watchers_.remove(generation, this);
}

PropertyFilter::~PropertyFilter() {
    stop_watching();
}

void PropertyFilter::enqueue(Entry& entry) {
    if (entry.queued) return;
    entry.queued = true;
    queue_.push_back(entry.object->generation());
}

bool PropertyFilter::note_change(const PropertyChange& change) {
    const auto found = entries_.find(change.object->generation());
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    const TypePlan& plan = selection_.plan(change.object->type());
    bool matters = false;
    if (entry.passed && plan.traversed.test(change.property)) {
        reselect_ = true;
        matters = true;
    }
    if (entry.reported && plan.watched.test(change.property)) {
        const auto known = std::ranges::find(entry.pending, change.property, &Pending::property);
        if (known == entry.pending.end()) {
            entry.pending.push_back({change.property, change.computed, change.old_value});
        } else if (change.computed) {
            known->computed = true;
        }
        enqueue(entry);
        matters = true;
    }
    return matters;
}

bool PropertyFilter::note_destroyed(const ManagedObject& object) {
    const auto found = entries_.find(object.generation());
    if (found == entries_.end()) return false;
    // Its id may come back, and others may have been reached through it alone.
    reselect_ = true;
    if (found->second.reported) gone_.push_back(object.ref());
    entries_.erase(found);
    return true;
}

bool PropertyFilter::note_created(const ManagedObject& object) {
    if (reselect_) return true;
    reselect_ = dangling_.contains(object.id());
    return reselect_;
}

void PropertyFilter::note_permissions() {
    reselect_ = true;
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
    for (auto& [generation, entry] : entries_) {
        entry.reported = entry.queued = entry.resend = false;
        entry.pending.clear();
        entry.selected = false;  // so that the traversal queues it in its own order
    }
    reselect_ = true;
}

void PropertyFilter::report_missing(const MoRef& object) {
    dangling_.insert(object.id);
    if (!missing_.insert(object.id).second) return;
    auto missing = vim::MissingObject::make();
    missing.set_obj(object);
    missing.set_fault(vim::object_not_found(object).localized());
    missing_updates_.push_back(std::move(missing));
}

void PropertyFilter::refresh() {
    if (!reselect_) return;
    ++round_;
    dangling_.clear();
    const auto meet = [&](const ManagedObject& object, bool selected, bool passed) {
        const auto [found, is_new] = entries_.try_emplace(object.generation());
        Entry& entry = found->second;
        if (is_new) {
            entry.object = &object;
            watchers_.add(object.generation(), this);
        }
        const bool was_selected = entry.selected;
        if (entry.round != round_) {
            entry.round = round_;
            entry.selected = entry.passed = false;
        }
        entry.selected |= selected;
        entry.passed |= passed;
        if (entry.selected && !was_selected) enqueue(entry);
    };
    selection_.traverse(inventory_, *reader_,
                        {meet, [&](std::string_view id) { dangling_.emplace(id); },
                         [&](const MoRef& object) { report_missing(object); }});
    reselect_ = false;  // not before: a traversal that breaks a limit is to be repeated

    std::vector<std::uint64_t> useless;
    for (auto& [generation, entry] : entries_) {
        if (entry.round != round_) entry.selected = entry.passed = false;
        if (entry.selected || entry.passed) {
            if (!entry.selected && entry.reported) enqueue(entry);
        } else if (entry.reported) {
            enqueue(entry);
        } else if (entry.round != round_) {
            useless.push_back(generation);
        }
    }
    for (const std::uint64_t generation : useless) forget(generation);
    // A starting object that came back is no longer missing.
    std::erase_if(missing_, [&](const std::string& id) { return !dangling_.contains(id); });
}

void PropertyFilter::forget(std::uint64_t generation) {
    watchers_.remove(generation, this);
    entries_.erase(generation);
}

vim::ObjectUpdate PropertyFilter::everything(const Entry& entry, ObjectUpdateKind kind) const {
    auto update = vim::ObjectUpdate::make();
    update.set_kind(kind);
    update.set_obj(entry.object->ref());
    std::vector<vim::PropertyChange> changes;
    std::vector<vim::MissingProperty> missing;
    const auto& paths = selection_.plan(entry.object->type()).paths;
    changes.reserve(paths.size());
    for (const SelectedPath& path : paths) {
        if (!may_read(path, *entry.object, *reader_)) {
            missing.push_back(make_missing(*entry.object, path));
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
    if (!changes.empty()) update.set_changeSet(changes);
    if (!missing.empty()) update.set_missingSet(missing);
    return update;
}

void PropertyFilter::add_changes(const Entry& entry, const SelectedPath& path,
                                 const Pending& pending,
                                 std::vector<vim::PropertyChange>& changes) const {
    const ManagedObject& object = *entry.object;
    const bool computed = pending.computed || object.is_computed(pending.property);
    const Value root =
        computed ? object.read(pending.property, *reader_) : object.property(pending.property);
    const Value after = path.path.evaluate(root);
    const Value before = path.path.evaluate(pending.known);
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

std::optional<vim::ObjectUpdate> PropertyFilter::evaluate(const Entry& entry) const {
    if (!entry.reported) {
        if (!entry.selected) return std::nullopt;
        return everything(entry, ObjectUpdateKind::enter);
    }
    auto update = vim::ObjectUpdate::make();
    update.set_obj(entry.object->ref());
    if (!entry.selected) {
        update.set_kind(ObjectUpdateKind::leave);
        return update;
    }
    if (entry.resend) return everything(entry, ObjectUpdateKind::modify);
    std::vector<vim::PropertyChange> changes;
    for (const SelectedPath& path : selection_.plan(entry.object->type()).paths) {
        const auto pending = std::ranges::find(entry.pending, path.path.root(), &Pending::property);
        if (pending == entry.pending.end()) continue;
        if (!may_read(path, *entry.object, *reader_)) continue;
        add_changes(entry, path, *pending, changes);
    }
    if (changes.empty()) return std::nullopt;
    update.set_kind(ObjectUpdateKind::modify);
    update.set_changeSet(changes);
    return update;
}

void PropertyFilter::settle(std::uint64_t generation, Entry& entry) {
    entry.queued = entry.resend = false;
    entry.reported = entry.selected;
    entry.pending = {};
    if (!entry.selected && !entry.passed) forget(generation);
}

std::optional<vim::PropertyFilterUpdate> PropertyFilter::collect(std::size_t& max_objects,
                                                                 bool& truncated) {
    std::vector<vim::ObjectUpdate> updates;
    // Departures first: an id that was made anew must leave before it enters.
    while (!gone_.empty() && max_objects > 0) {
        auto update = vim::ObjectUpdate::make();
        update.set_kind(ObjectUpdateKind::leave);
        update.set_obj(gone_.front());
        updates.push_back(std::move(update));
        gone_.pop_front();
        --max_objects;
    }
    truncated |= !gone_.empty();
    while (!queue_.empty() && gone_.empty()) {
        const std::uint64_t generation = queue_.front();
        const auto found = entries_.find(generation);
        if (found != entries_.end()) {
            if (auto update = evaluate(found->second)) {
                if (max_objects == 0) {
                    truncated = true;
                    break;
                }
                --max_objects;
                updates.push_back(std::move(*update));
            }
            settle(generation, found->second);
        }
        queue_.pop_front();
    }
    auto missing = std::exchange(missing_updates_, {});
    if (updates.empty() && missing.empty()) return std::nullopt;
    auto answer = vim::PropertyFilterUpdate::make();
    answer.set_filter(ref_);
    if (!updates.empty()) answer.set_objectSet(updates);
    if (!missing.empty()) answer.set_missingSet(missing);
    return answer;
}

}  // namespace drover::model
