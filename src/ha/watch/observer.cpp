#include "ha/watch/observer.hpp"

#include <algorithm>
#include <utility>

#include "ha/protocol/rules.hpp"

namespace drover::ha {

std::string_view text_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::not_over:
            return "it gives signs";
        case Verdict::unknown:
            return "nothing is known of it";
        case Verdict::both_silent:
            return "it is silent on both channels";
        case Verdict::promise_past:
            return "it is silent on the datastore for longer than it had promised";
        case Verdict::newer_epoch:
            return "it has begun anew";
    }
    return "";
}

void Observer::reset() {
    if (!kept(Rule::silence_from_own_first_read, true)) return;
    for (auto& host : hosts_) {
        const Epoch newest = host.newest;
        host = Seen{};
        host.newest = newest;  // for joining
    }
    etcd_read_ = storage_read_ = kNever;
}

void Observer::begin_etcd(EtcdId etcd) {
    etcd_ = etcd;
    etcd_read_ = kNever;
    for (auto& host : hosts_) {
        host.has_beat = false;
        host.beat_changed = kNever;
    }
}

Observer::Seen& Observer::seen(HostId host) {
    if (index_of(host) >= hosts_.size()) hosts_.resize(index_of(host) + 1);
    return hosts_[index_of(host)];
}

// Beats and slots of an epoch share one sequence. An etcd that had to find a new leader shows the
// last beat late; if a slot was sent after it, it says nothing that the slot had not said before.
bool Observer::was_sent_before_slots(const Seen& host, const Beat& beat) {
    return std::ranges::any_of(host.slots, [&](const SlotSeen& slot) {
        const bool is_other = slot.epoch != beat.who.epoch;
        return !kept(Rule::beats_age_by_own_epoch, is_other) && slot.sequence > beat.sequence;
    });
}

void Observer::saw_beats(std::span<const Beat> beats, Time sent, Time now) {
    for (const auto& beat : beats) {
        auto& host = seen(beat.who.host);
        if (host.has_beat && host.beat_epoch == beat.who.epoch &&
            host.beat_sequence == beat.sequence) {
            continue;
        }
        const bool is_first = !std::exchange(host.has_beat, true);
        host.beat_epoch = beat.who.epoch;
        host.beat_sequence = beat.sequence;
        if (!is_first && was_sent_before_slots(host, beat)) continue;
        host.is_lively = host.is_lively || !is_first;
        host.beat_changed = now;
        if (beat.report) host.report = beat.report;
    }
    // A host without a beat is as silent as one whose beat stands still.
    for (auto& host : hosts_) {
        if (host.beat_changed == kNever) host.beat_changed = now;
    }
    etcd_read_ = kept(Rule::silence_until_sent_read, true) ? std::max(etcd_read_, sent) : now;
}

void Observer::saw_slot(const Slot& slot, Time now) {
    auto& host = seen(slot.who.host);
    // That there is a slot of this epoch is known by its name, readable or not.
    host.newest = std::max(host.newest, slot.who.epoch);
    if (slot.readable && slot.sequence > 0 && slot.who.epoch > host.entered) {
        host.entered = slot.who.epoch;
        host.entered_since = now;
    }
    if (!slot.readable && kept(Rule::unreadable_is_unknown, true)) {
        host.slot_changed = now;
        return;
    }
    auto found = std::ranges::find(host.slots, slot.who.epoch, &SlotSeen::epoch);
    if (found == host.slots.end()) {
        found = host.slots.insert(found, SlotSeen{slot.who.epoch, slot.sequence + 1, {}, 0, false});
    }
    if (!slot.readable || found->sequence == slot.sequence) return;
    // Several slots of one read, the first of all, are no sign yet.
    if (host.slot_changed != kNever && host.slot_changed != now) host.is_lively = true;
    host.slot_changed = now;
    if (slot.report && slot.who.epoch >= host.entered) host.report = slot.report;
    *found = {slot.who.epoch, slot.sequence, slot.promise, slot.etcd, slot.etcd_ok};
}

void Observer::saw_slots(std::span<const Slot> slots, Time sent, Time now) {
    for (const auto& slot : slots) saw_slot(slot, now);
    storage_read_ = kept(Rule::silence_until_sent_read, true) ? std::max(storage_read_, sent) : now;
}

Verdict Observer::judge(const Tenure& owner) const {
    if (index_of(owner.host) >= hosts_.size()) return Verdict::unknown;
    const auto& host = hosts_[index_of(owner.host)];
    if (host.slot_changed == kNever) return Verdict::unknown;
    // Who joined anew has nothing running of before; it gets the time to resume what it kept.
    const Duration grace =
        kept(Rule::newer_epoch_waits, true) ? timing_.takeover : Duration::zero();
    if (host.entered > owner.epoch && storage_read_ - host.entered_since >= grace) {
        return Verdict::newer_epoch;
    }
    return judge_silence(host, owner);
}

Verdict Observer::judge_silence(const Seen& host, const Tenure& owner) const {
    const Duration wait = kept(Rule::takeover_waits, true) ? timing_.takeover : timing_.permit / 2;
    // Who beats in another etcd is not silent because it is in this one.
    const auto own_slot = std::ranges::find(host.slots, owner.epoch, &SlotSeen::epoch);
    const bool is_seen = own_slot != host.slots.end();
    // Nor is it silent in an epoch of which nobody has read yet: a second line behind that rule.
    const bool is_too_early = kept(Rule::leases_before_slots, !is_seen);
    const bool is_elsewhere = is_seen && own_slot->etcd != etcd_;
    const bool is_told = !is_too_early && !kept(Rule::silence_in_named_etcd, is_elsewhere);
    // One silence on both channels at the same time, not a stale one here and a fresh one there.
    if (is_told && host.beat_changed != kNever && etcd_read_ != kNever) {
        if (std::min(etcd_read_, storage_read_) - last_sign(host) >= wait)
            return Verdict::both_silent;
        if (!kept(Rule::both_channels_silent, true) && etcd_read_ - host.beat_changed >= wait) {
            return Verdict::both_silent;
        }
    }
    const SlotSeen* own = nullptr;
    for (const auto& slot : host.slots) {
        const bool fits = slot.epoch == owner.epoch ||
                          (!kept(Rule::promise_of_own_epoch, true) && slot.epoch == host.newest);
        if (fits) own = &slot;
    }
    Duration promise = timing_.long_takeover;
    if (own != nullptr && own->promise > Duration::zero()) promise = own->promise;
    if (!kept(Rule::promise_is_kept, true)) promise = wait;
    if (storage_read_ - host.slot_changed >= promise) return Verdict::promise_past;
    return Verdict::not_over;
}

// Never is before everything.
Time Observer::last_sign(const Seen& host) {
    return std::max(host.beat_changed, host.slot_changed);
}

Time Observer::next_verdict() const {
    Time next = kNever;
    for (const auto& host : hosts_) {
        if (host.entered == 0 || host.slot_changed == kNever) continue;
        const Time changed = last_sign(host);
        if (storage_read_ - changed < timing_.takeover / 2) continue;
        const Time due = changed + timing_.takeover;
        if (due > storage_read_ && (next == kNever || due < next)) next = due;
    }
    return next;
}

Epoch Observer::newest_epoch(HostId host) const {
    return index_of(host) < hosts_.size() ? hosts_[index_of(host)].newest : 0;
}

Epoch Observer::entered_epoch(HostId host) const {
    return index_of(host) < hosts_.size() ? hosts_[index_of(host)].entered : 0;
}

bool Observer::heard(HostId host, Time now, Duration within) const {
    if (index_of(host) >= hosts_.size()) return false;
    const auto& seen = hosts_[index_of(host)];
    return seen.is_lively && now - last_sign(seen) <= within;
}

Silence Observer::silence_of(HostId host) const {
    Silence made;
    if (index_of(host) >= hosts_.size()) return made;
    const auto& seen = hosts_[index_of(host)];
    if (seen.has_beat && etcd_read_ != kNever) {
        made.etcd = std::max(etcd_read_ - seen.beat_changed, Duration::zero());
    }
    if (seen.slot_changed != kNever) {
        made.storage = std::max(storage_read_ - seen.slot_changed, Duration::zero());
    }
    return made;
}

ReportPtr Observer::report(HostId host) const {
    return index_of(host) < hosts_.size() ? hosts_[index_of(host)].report : nullptr;
}

bool Observer::others_reach_etcd(HostId self, Time now) const {
    for (std::uint32_t at = 0; at < hosts_.size(); ++at) {
        const auto& host = hosts_[at];
        if (HostId{at} == self || now - host.slot_changed > timing_.takeover) continue;
        for (const auto& slot : host.slots) {
            if (slot.epoch == host.entered && slot.etcd_ok) return true;
        }
    }
    return false;
}

std::vector<HostId> Observer::hosts() const {
    std::vector<HostId> all;
    for (std::uint32_t at = 0; at < hosts_.size(); ++at) {
        if (hosts_[at].newest != 0) all.push_back(HostId{at});
    }
    return all;
}

}  // namespace drover::ha
