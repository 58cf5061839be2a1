// Epochs, heartbeats on both channels, and reading what others wrote.

#include <algorithm>
#include <utility>

#include "ha/agent/agent.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

namespace {

constexpr std::size_t kMostBeatsUnderWay = 8;
constexpr std::size_t kMostReadsUnderWay = 4;
constexpr Duration kReadLost = std::chrono::seconds{20};
constexpr Duration kJoinLost = std::chrono::seconds{30};
constexpr Duration kEtcdAnswers = std::chrono::milliseconds{30};
constexpr Duration kJoinAgain = std::chrono::milliseconds{50};

template <class Kind>
std::optional<Kind> taken(std::vector<Kind>& all, OpId op) {
    const auto found = std::ranges::find(all, op, &Kind::op);
    if (found == all.end()) return std::nullopt;
    Kind kind = *found;
    all.erase(found);
    return kind;
}

}  // namespace

void Agent::beat_etcd() {
    if (beats_.size() >= kMostBeatsUnderWay) beats_.erase(beats_.begin());
    const OpId op = next_op();
    beats_.push_back({.op = op, .sent = now_});
    emit(BeatEtcd{op, {.who = self(), .sequence = ++sequence_, .report = report()}, etcd_});
}

void Agent::on(const BeatAnswered& event) {
    const auto sent = taken(beats_, event.op);
    if (!sent) return;
    observer_.saw_beats(event.beats, sent->sent, now_);
    // Until its slot says where it beats, others may look for its beats elsewhere.
    if (kept(Rule::etcd_counts_when_named, named_etcd_ != etcd_)) return;
    if (event.mine) fencer_.acked_etcd(epoch_, sent->sent, now_);
}

// What the one before still answers comes too late.
void Agent::on(const EtcdChanged& event) {
    if (event.etcd == etcd_) return;
    etcd_ = event.etcd;
    beats_.clear();
    observer_.begin_etcd(etcd_);
}

// One write at a time: a delayed older one must not overwrite a newer promise.
void Agent::beat_storage() {
    if (kept(Rule::one_slot_write, !slot_writes_.empty())) return;
    const Duration etcd_silent = now_ - fencer_.permit().etcd;
    const bool is_long = etcd_silent <= settings_.timing.etcd_silent;
    const bool says_long = is_long || !kept(Rule::short_promise_first, true);
    if (!is_long) fencer_.promised_short();
    const OpId op = next_op();
    slot_writes_.push_back({.op = op, .sent = now_, .long_promise = is_long, .etcd = etcd_});
    emit(WriteSlot{
        op,
        {.who = self(),
         .sequence = ++sequence_,
         .promise = says_long ? settings_.timing.long_takeover : settings_.timing.takeover,
         .etcd = etcd_,
         .etcd_ok = is_long,
         .report = report()}});
}

void Agent::on(const SlotWritten& event) {
    const auto sent = taken(slot_writes_, event.op);
    if (!sent) return;
    named_etcd_ = sent->etcd;
    fencer_.acked_slot(epoch_, sent->long_promise, sent->sent, now_);
}

// Leases first, slots after: no lease of a fresh epoch is judged by slots that were read before it.
void Agent::read_storage() {
    next_read_ = now_ + settings_.timing.interval;
    std::erase_if(readings_, [this](const Reading& each) { return now_ - each.sent > kReadLost; });
    if (readings_.size() >= kMostReadsUnderWay) return;
    readings_.push_back({.leases_op = next_op(), .sent = now_});
    emit(ReadLeases{last_op_});
}

void Agent::on(const LeasesRead& event) {
    const auto found = std::ranges::find(readings_, event.op, &Reading::leases_op);
    if (found == readings_.end() || found->slots_op != 0) return;
    found->leases = event;
    found->slots_op = next_op();
    found->slots_sent = now_;
    emit(ReadSlots{last_op_});
    if (!kept(Rule::leases_before_slots, true)) commit(*found);
}

void Agent::on(const SlotsRead& event) {
    const auto found = std::ranges::find(readings_, event.op, &Reading::slots_op);
    if (found == readings_.end()) return;
    Reading reading = std::move(*found);
    readings_.erase(found);
    observer_.saw_slots(event.slots, reading.slots_sent, now_);
    look_in_time();
    if (kept(Rule::leases_before_slots, true)) commit(reading);
}

// Whoever has been silent for long is looked at when it counts, not half an interval later. What
// etcd answers is to be there when the datastore's answer is judged.
void Agent::look_in_time() {
    const Time due = observer_.next_verdict();
    if (epoch_ == 0 || due == kNever) return;
    const bool has_etcd = observer_.etcd_read_sent() != kNever;
    if (has_etcd) next_beat_ = std::min(next_beat_, std::max(due, now_));
    next_read_ = std::min(next_read_, std::max(has_etcd ? due + kEtcdAnswers : due, now_));
}

void Agent::commit(Reading& reading) {
    if (reading.leases_op < last_reading_) return;  // overtaken by a newer one
    last_reading_ = reading.leases_op;
    const auto count = std::min(reading.leases.leases.size(), locals_.size());
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& local = locals_[row];
        local.known = row < count && reading.leases.leases[row].has_value();
        if (local.known) local.read_at = now_;
        if (!local.known || reading.leases.leases[row]->generation < local.lease.generation) {
            continue;
        }
        local.lease = *reading.leases.leases[row];
    }
    if (reading.leases.plan.generation >= plan_.generation) plan_ = reading.leases.plan;
    consider_all();
}

void Agent::join_if_quiet() {
    const bool under_way = join_op_ != 0 && now_ - join_sent_ < kJoinLost;
    if (under_way || now_ < join_after_) return;
    // Epochs are counted from what the datastore has.
    if (observer_.storage_read_sent() == kNever) return;
    if (kept(Rule::join_when_quiet, !fencer_.quiet())) return;
    // Always higher than all that were tried: one that arrives late can't outrank it.
    tried_epoch_ = std::max(tried_epoch_, observer_.newest_epoch(settings_.self)) + 1;
    join_op_ = next_op();
    join_sent_ = now_;
    join_etcd_ = etcd_;
    emit(CreateSlot{join_op_,
                    {.who = {settings_.self, tried_epoch_},
                     .sequence = 0,
                     .promise = settings_.timing.takeover,
                     .etcd = etcd_,
                     .report = report()}});
}

void Agent::on(const SlotCreated& event) {
    if (event.op != join_op_) return;
    join_op_ = 0;
    if (!event.won || !fencer_.joined(tried_epoch_, join_sent_, now_)) {
        join_after_ = now_ + kJoinAgain;
        return;
    }
    enter_epoch(tried_epoch_);
}

void Agent::enter_epoch(Epoch epoch) {
    epoch_ = epoch;
    named_etcd_ = join_etcd_;
    sequence_ = 0;
    beats_.clear();
    slot_writes_.clear();
    readings_.clear();
    observer_.reset();
    noted_over_.clear();
    for (auto& local : locals_) {
        local.known = false;
        local.aim = Aim::none;
        local.op = 0;
        local.takeable_since = kNever;
    }
    plan_op_ = 0;
    plan_since_ = kNever;
    next_beat_ = next_read_ = now_;
    note(Noted::joined, locals_.size(), {}, self());
}

void Agent::leave_if_fenced() {
    if (epoch_ == 0) return;
    if (!fencer_.fenced()) {
        const bool is_past = kept(Rule::deadline_stops, now_ >= fencer_.deadline());
        if (kept(Rule::late_ack_is_void, is_past)) fencer_.drop_permit(now_);
        if (!fencer_.fenced()) return;
    }
    if (!kept(Rule::fenced_until_joined, true)) return;
    Note made{.what = Noted::permit_lost, .machine = std::nullopt, .about = self(), .why = {}};
    if (fencer_.permit().etcd != kNever) made.etcd_silent = now_ - fencer_.permit().etcd;
    made.storage_silent = now_ - fencer_.permit().storage;
    emit(made);
    epoch_ = 0;
    join_op_ = 0;
    join_after_ = now_;
}

ReportPtr Agent::report() const {
    auto made = std::make_shared<Report>();
    made->takes_machines = takes_machines_;
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        const auto& local = locals_[row];
        MachineReport each{.machine = id_of(row), .failures = local.failures};
        const auto* guarded = fencer_.find(each.machine);
        if (guarded == nullptr || guarded->state == Guard::killed) {
            if (local.failures == 0) continue;
            each.phase = Phase::failed;
        } else if (guarded->state == Guard::prepared) {
            each.phase = Phase::starting;
        } else if (guarded->state == Guard::running) {
            each.phase = local.ready ? Phase::ready : Phase::running;
        } else {
            each.phase = Phase::paused;
        }
        made->machines.push_back(each);
    }
    return made;
}

}  // namespace drover::ha
