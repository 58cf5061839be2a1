#include "model/membership.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.hpp"

namespace drover::model {
namespace {

// The references that only one of two lists holds, with their numbers.
struct Difference {
    std::vector<Value> added;
    std::vector<Value> removed;
};

Difference compare(const Value& before, const Value& after) {
    auto old = references_in(before);
    auto now = references_in(after);
    const auto same = [](const Value& left, const Value& right) {
        return left.same_content(right) || left == right;
    };
    std::size_t front = 0;
    const std::size_t shorter = std::min(old.size(), now.size());
    if (old.data() == now.data()) front = shorter;  // one was made by appending to the other
    while (front < shorter && same(old[front], now[front])) ++front;
    old = old.subspan(front);
    now = now.subspan(front);
    while (!old.empty() && !now.empty() && same(old.back(), now.back())) {
        old = old.first(old.size() - 1);
        now = now.first(now.size() - 1);
    }
    Difference found;
    std::unordered_map<std::string_view, std::int64_t> balance;
    for (const Value& each : now) {
        if (each.kind() == vim::ValueKind::moref) ++balance[each.moref_id()];
    }
    for (const Value& each : old) {
        if (each.kind() == vim::ValueKind::moref && --balance[each.moref_id()] < 0) {
            found.removed.push_back(each);
        }
    }
    // What is left over is new: as often as it was not there before, in the new order.
    for (const Value& each : now) {
        if (each.kind() != vim::ValueKind::moref) continue;
        auto& left = balance[each.moref_id()];
        if (left <= 0) continue;
        --left;
        found.added.push_back(each);
    }
    return found;
}

}  // namespace

// One refresh: the inventory and the reader that it is for.
class Membership::Work {
public:
    Work(Membership& self, const Inventory& inventory, const Reader& reader)
        : self_(self), inventory_(inventory), reader_(reader) {}

    // Walks from the starting objects; members that it does not meet have no way any more.
    void rebuild() {
        ++self_.round_;
        self_.expansions_.clear();
        self_.dangling_.clear();
        self_.dirty_.clear();
        self_.collapsed_.clear();
        self_.met_ = 0;
        self_.turn_.missing.clear();
        self_.turn_.walked = true;
        for (const auto& start : self_.selection_.starts()) {
            const ManagedObject* object = inventory_.find(start.object);
            if (object && is_visible(*object, reader_)) {
                meet(*object, !start.skip, start.next);
            } else {
                ++self_.dangling_[start.object.id];
                self_.turn_.missing.push_back(start.object);
            }
        }
        open_all();
        for (auto& [generation, member] : self_.members_) {
            if (member.round == self_.round_) continue;
            member.ways = member.selects = 0;
            self_.touch(generation, member);
        }
        self_.stale_ = false;  // not before: a walk that breaks a limit is to be repeated
    }

    // Follows what is new in the changed lists, then takes back what they lost; in this order,
    // something that only moved never goes.
    void catch_up() {
        std::vector<Cut> cuts;
        for (const std::uint64_t key : std::exchange(self_.dirty_, {})) {
            const auto found = self_.expansions_.find(key);
            if (found == self_.expansions_.end()) continue;
            const std::size_t node = key & ((std::uint64_t{1} << kNodeBits) - 1);
            Expansion& expansion = found->second;
            expansion.dirty = false;
            Value now = self_.selection_.nodes()[node].path.evaluate(*expansion.object, reader_);
            auto difference = compare(expansion.followed, now);
            expansion.followed = std::move(now);
            for (auto& each : difference.removed) cuts.push_back({std::move(each), node});
            for (const Value& each : difference.added) follow(each, node);
            open_all();
        }
        for (const auto& [list, node] : std::exchange(self_.collapsed_, {})) {
            cut_all(list, node, cuts);
        }
        while (!cuts.empty() && !self_.stale_) {
            const Cut last = std::move(cuts.back());
            cuts.pop_back();
            cut(last, cuts);
        }
    }

private:
    void meet(const ManagedObject& object, bool select, const std::vector<std::size_t>& next) {
        if (++self_.met_ > self_.selection_.max_objects()) {
            self_.stale_ = true;
            throw self_.selection_.too_many_objects();
        }
        const std::uint64_t generation = object.generation();
        const auto [found, is_new] = self_.members_.try_emplace(generation);
        Member& member = found->second;
        if (is_new) {
            member.object = &object;
            self_.turn_.met.push_back(generation);
        }
        if (member.round != self_.round_) {
            member.ways = member.selects = 0;  // they are of the walk before
            member.round = self_.round_;
        }
        const TypePlan& plan = self_.selection_.plan(object.type());
        ++member.ways;
        if (select && plan.selectable) ++member.selects;
        self_.touch(generation, member);
        for (const std::size_t node : next) {
            if (!plan.applies[node]) continue;
            const std::uint64_t key = expansion_key(generation, node);
            Expansion& expansion = self_.expansions_[key];
            if (expansion.ways++ > 0) continue;
            expansion.object = &object;
            opening_.push_back(key);
        }
    }

    void open_all() {
        while (!opening_.empty()) {
            const std::uint64_t key = opening_.front();
            opening_.pop_front();
            const std::size_t node = key & ((std::uint64_t{1} << kNodeBits) - 1);
            Expansion& expansion = self_.expansions_.at(key);
            const Value list =
                self_.selection_.nodes()[node].path.evaluate(*expansion.object, reader_);
            expansion.followed = list;
            for (const Value& each : references_in(list)) follow(each, node);
        }
    }

    void follow(const Value& reference, std::size_t node) {
        if (reference.kind() != vim::ValueKind::moref) return;
        const ManagedObject* object = inventory_.find(reference.moref_id());
        if (!object || !is_visible(*object, reader_)) {
            ++self_.dangling_[std::string(reference.moref_id())];
            return;
        }
        const auto& through = self_.selection_.nodes()[node];
        meet(*object, !through.skip, through.next);
    }

    static void cut_all(const Value& list, std::size_t node, std::vector<Cut>& cuts) {
        for (const Value& each : references_in(list)) {
            if (each.kind() == vim::ValueKind::moref) cuts.push_back({each, node});
        }
    }

    // Takes one way back. What no longer adds up makes the membership stale: it is walked anew.
    void cut(const Cut& last, std::vector<Cut>& cuts) {
        const ManagedObject* object = inventory_.find(last.reference.moref_id());
        const auto found =
            object ? self_.members_.find(object->generation()) : self_.members_.end();
        if (found == self_.members_.end()) {
            const auto dangling = self_.dangling_.find(std::string(last.reference.moref_id()));
            if (dangling == self_.dangling_.end()) {
                self_.stale_ = true;
            } else if (--dangling->second == 0) {
                self_.dangling_.erase(dangling);
            }
            return;
        }
        Member& member = found->second;
        const auto& through = self_.selection_.nodes()[last.node];
        const TypePlan& plan = self_.selection_.plan(object->type());
        const bool selected = !through.skip && plan.selectable;
        if (member.ways == 0 || (selected && member.selects == 0)) {
            self_.stale_ = true;
            return;
        }
        --self_.met_;
        --member.ways;
        if (selected) --member.selects;
        self_.touch(object->generation(), member);
        for (const std::size_t node : through.next) {
            if (plan.applies[node]) close(expansion_key(object->generation(), node), node, cuts);
        }
    }

    void close(std::uint64_t key, std::size_t node, std::vector<Cut>& cuts) {
        const auto found = self_.expansions_.find(key);
        if (found == self_.expansions_.end() || --found->second.ways > 0) {
            // Either it does not add up, or the ways that remain may come from itself.
            self_.stale_ = true;
            return;
        }
        cut_all(found->second.followed, node, cuts);
        self_.expansions_.erase(found);
    }

    Membership& self_;
    const Inventory& inventory_;
    const Reader& reader_;
    std::deque<std::uint64_t> opening_;
};

Membership::Membership(const Selection& selection) : selection_(selection) {
    DROVER_CHECK(selection.nodes().size() < std::size_t{1} << kNodeBits);
}

void Membership::touch(std::uint64_t generation, Member& member) {
    if (std::exchange(member.touched, true)) return;
    touched_.push_back(generation);
}

bool Membership::note_change(const PropertyChange& change) {
    const TypePlan& plan = selection_.plan(change.object->type());
    if (!plan.traversed.test(change.property)) return false;
    const std::uint64_t generation = change.object->generation();
    if (stale_) return members_.contains(generation);
    bool matters = false;
    for (std::size_t node = 0; node < selection_.nodes().size(); ++node) {
        if (!plan.applies[node]) continue;
        if (selection_.nodes()[node].path.root() != change.property) continue;
        const std::uint64_t key = expansion_key(generation, node);
        const auto found = expansions_.find(key);
        if (found == expansions_.end()) continue;
        matters = true;
        if (!std::exchange(found->second.dirty, true)) dirty_.push_back(key);
    }
    return matters;
}

bool Membership::note_destroyed(const ManagedObject& object) {
    const auto found = members_.find(object.generation());
    if (found == members_.end()) return false;
    // The ways that lead to it lead nowhere now; its id may come back.
    if (found->second.ways > 0) dangling_[object.id()] += found->second.ways;
    met_ -= found->second.ways;
    members_.erase(found);
    const TypePlan& plan = selection_.plan(object.type());
    for (std::size_t node = 0; node < selection_.nodes().size(); ++node) {
        if (!plan.applies[node]) continue;
        const auto expansion = expansions_.find(expansion_key(object.generation(), node));
        if (expansion == expansions_.end()) continue;
        collapsed_.emplace_back(std::move(expansion->second.followed), node);
        expansions_.erase(expansion);
    }
    // A starting object is missing from now on.
    if (std::ranges::any_of(selection_.starts(),
                            [&](const auto& start) { return start.object.id == object.id(); })) {
        stale_ = true;
    }
    return true;
}

bool Membership::note_created(const ManagedObject& object) {
    if (stale_) return true;
    if (dangling_.empty() || !dangling_.contains(object.id())) return false;
    stale_ = true;
    return true;
}

void Membership::restart() {
    stale_ = true;
    turn_.entered.clear();
    touched_.clear();
    for (auto& [generation, member] : members_) member.announced = member.touched = false;
}

Membership::Turn Membership::refresh(const Inventory& inventory, const Reader& reader) {
    Work work(*this, inventory, reader);
    if (!stale_) work.catch_up();
    if (stale_) work.rebuild();
    for (const std::uint64_t generation : std::exchange(touched_, {})) {
        const auto found = members_.find(generation);
        if (found == members_.end()) continue;
        Member& member = found->second;
        member.touched = false;
        const bool selected = member.selects > 0;
        if (selected && !member.announced) turn_.entered.push_back(member.object);
        if (!selected && member.announced) turn_.left.push_back(member.object);
        member.announced = selected;
        if (member.ways > 0) continue;
        turn_.forgotten.push_back(generation);
        members_.erase(found);
    }
    return std::exchange(turn_, {});
}

}  // namespace drover::model
