// A machine that moves. The lease names the successor before the switch-over; from then on it has
// two hosts that may run it, and is free only when both are over. The source stops, drains and
// hands over; the target runs at once, and swaps the lease to itself afterwards. Until the target
// has declined, the source's copy never runs again: it may be stale.

#include "ha/agent/agent.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

void Agent::on(const MigrateIn& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size() || epoch_ == 0 || !takes_machines_) return;
    auto& local = locals_[row];
    const auto* guarded = fencer_.find(event.machine);
    if (guarded != nullptr && guarded->arriving && local.arrives_from.host == event.from.host) {
        local.arrives_since = now_;  // it is still on its way
        return;
    }
    const bool is_owner = local.known && local.lease.owner.host == event.from.host;
    const Tenure from = event.from.epoch == 0 && is_owner ? local.lease.owner : event.from;
    if (from.epoch == 0 || !fencer_.prepare(event.machine, 0, true, now_)) return;
    local.arrives_from = from;
    local.arrives_since = now_;
    emit(OfferIncoming{event.machine, self(), from});
}

void Agent::on(const MigrateOut& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size() || epoch_ == 0) return;
    const auto* guarded = fencer_.find(event.machine);
    auto& local = locals_[row];
    const bool is_idle = local.op == 0 && local.migration == 0 && !local.power_off;
    if (guarded == nullptr || guarded->state != Guard::running || guarded->successor || !is_idle ||
        event.to.host == settings_.self) {
        return;
    }
    local.migrates_to = event.to;
}

void Agent::on(const SwitchoverReady& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size()) return;
    auto& local = locals_[row];
    const auto* guarded = fencer_.find(event.machine);
    // Said again before the answer arrived. The target may run it: there is nothing to cancel.
    if (guarded != nullptr && guarded->state == Guard::given) return;
    const bool is_current = local.migration != 0 && local.migration == event.generation;
    // Its engine has ended the process after all of it was sent: stiller than that nothing stands.
    const bool is_gone =
        guarded == nullptr || (guarded->state == Guard::killed && !guarded->process);
    if (is_current && (is_gone || fencer_.hand_over(event.machine, event.generation, now_))) {
        note(Noted::handed_over, row, {}, local.migrates_to);
        emit(HandOver{event.machine, event.generation, local.migrates_to, self()});
        return;
    }
    emit(CancelMigration{event.machine, event.generation});
    if (is_current) local.migration = 0, local.migrates_to = {};
}

void Agent::on(const MigrationFailed& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size()) return;
    auto& local = locals_[row];
    const auto* guarded = fencer_.find(event.machine);
    if (guarded != nullptr && guarded->state == Guard::given) return;  // the target has the word
    if (guarded != nullptr && guarded->arriving) return end_arrival(row);
    if (local.migration != event.generation) return;
    local.migration = 0;
    local.migrates_to = {};
}

void Agent::on(const HandedOver& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size()) return;
    auto& local = locals_[row];
    const bool was_declined =
        kept(Rule::declined_stays_declined, event.generation <= local.declined);
    if (!was_declined && fencer_.accept(event.machine, event.generation, event.to.epoch, now_)) {
        local.accepted = event.generation;
        local.arrives_from = {};
        // It may have left here and come back before its lease was looked at again.
        local.migration = 0;
        local.migrates_to = {};
        note(Noted::accepted, row, {}, event.from);
        return;
    }
    if (local.accepted < event.generation && event.to == self()) {
        fencer_.kill(event.machine, now_);
        decline(row, event.generation, event.from);
    }
}

void Agent::on(const Declined& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size()) return;
    auto& local = locals_[row];
    local.declined_by_target = std::max(local.declined_by_target, event.generation);
}

// Waits for its state, but not forever: the lease would name a successor that never comes. What a
// source sent that is over since may be less than all.
void Agent::consider_arriving(std::size_t row) {
    auto& local = locals_[row];
    const bool is_late = now_ - local.arrives_since >= settings_.timing.incoming;
    if (is_late || observer_.is_over(local.arrives_from)) end_arrival(row);
}

void Agent::end_arrival(std::size_t row) {
    auto& local = locals_[row];
    fencer_.kill(id_of(row), now_);
    local.arrives_from = {};
    if (local.lease.successor == self()) decline(row, local.lease.generation, local.lease.owner);
}

// For good. Only of this tenure, in which nobody but this agent could have accepted.
void Agent::decline(std::size_t row, Generation generation, const Tenure& to) {
    auto& local = locals_[row];
    if (generation > local.declined) note(Noted::declined, row, {}, to);
    local.declined = std::max(local.declined, generation);
    emit(Decline{id_of(row), generation, to});
}

}  // namespace drover::ha
