// What to do about each machine, judged after every read of leases and slots. Nothing is done on
// what was believed before: a lease changes by compare-and-swap from the state that was read, and
// only who has won acts.

#include <algorithm>

#include "ha/agent/agent.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

namespace {

// More than the hosts of any cluster.
constexpr std::size_t kMostNotedOver = 128;

}  // namespace

void Agent::consider_all() {
    if (epoch_ == 0) return;
    for (std::size_t row = 0; row < locals_.size(); ++row) consider(row);
    plan_restarts_now();
    take_assigned();
}

void Agent::consider(std::size_t row) {
    auto& local = locals_[row];
    if (!local.known) return;  // unreadable is unknown
    if (local.op != 0) {
        if (now_ - local.op_sent < settings_.timing.swap_lost) return;
        local.op = 0;  // the next read tells what became of it
        local.aim = Aim::none;
        return;
    }
    if (!fencer_.allows(now_)) return;
    const auto* guarded = fencer_.find(id_of(row));
    if (guarded == nullptr) {
        consider_absent(row);
        return;
    }
    switch (guarded->state) {
        case Guard::running:
            consider_running(row, *guarded);
            break;
        case Guard::paused:
        case Guard::frozen:
            if (!guarded->soft) consider_stopped(row, *guarded);
            break;
        case Guard::given:
            consider_given(row, *guarded);
            break;
        case Guard::prepared:
            if (guarded->arriving) {
                consider_arriving(row);
            } else if (now_ - local.launched_at >= settings_.timing.start_lost) {
                start_failed(row, "no answer to its start");
                fencer_.kill(id_of(row), now_);
            }
            break;
        case Guard::killed:
            // It ran here as the successor and ended before it was claimed: the source's copy is
            // stale by now, so the lease has to move on before the trace of it goes.
            if (guarded->successor) consider_running(row, *guarded);
            break;
        case Guard::pausing:
            break;
    }
}

void Agent::swap(std::size_t row, Aim aim, const Tenure& owner, const Tenure& successor,
                 bool wanted) {
    auto& local = locals_[row];
    local.aim = aim;
    local.op = next_op();
    local.op_sent = now_;
    local.next = {.generation = local.lease.generation + 1,
                  .owner = owner,
                  .successor = successor,
                  .wanted = wanted};
    emit(SwapLease{local.op, id_of(row), local.next});
}

// The lease names the new epoch: in the old one this host is over, and others may know it already.
void Agent::consider_stopped(std::size_t row, const Guarded& guarded) {
    auto& local = locals_[row];
    if (!kept(Rule::swap_decides_resume, true)) {
        fencer_.resume(id_of(row), local.lease.generation, now_);
        return;
    }
    const bool is_mine = local.lease.owner.host == settings_.self;
    const bool is_heir = guarded.successor && local.lease.generation == guarded.generation &&
                         local.lease.successor.host == settings_.self;
    if (!is_mine && !is_heir) {
        if (local.lease.generation <= guarded.generation) return;  // read before it was won
        if (kept(Rule::loser_kills, true)) {
            note(Noted::killed_for_other, row, {}, local.lease.owner);
            fencer_.relabel(id_of(row), local.lease.generation);  // no successor's trace is left
            fencer_.kill(id_of(row), now_);
        } else {
            fencer_.resume(id_of(row), local.lease.generation, now_);
        }
        return;
    }
    const Epoch named = kept(Rule::resume_names_new_epoch, true) ? epoch_ : local.lease.owner.epoch;
    swap(row, Aim::resume, {settings_.self, named}, {}, true);
}

void Agent::consider_running(std::size_t row, const Guarded& guarded) {
    auto& local = locals_[row];
    if (local.lease.owner.host == settings_.self) {
        if (local.lease.is_unguarded()) {  // the swap that names this epoch was lost
            swap(row, Aim::adopt, self(), {}, true);
            return;
        }
        if (local.lease.generation > guarded.generation) {
            fencer_.relabel(id_of(row), local.lease.generation);
        }
        if (local.migration != 0 && is_over(local.migrates_to, id_of(row))) {
            emit(CancelMigration{id_of(row), local.migration});
            local.migration = 0;
            local.migrates_to = {};
        }
        const bool is_idle = local.migration == 0 && !local.migrates_to;
        if (guarded.state == Guard::running && local.lease.successor && is_idle) {
            swap(row, Aim::clear_successor, local.lease.owner, {}, true);
        } else if (local.migrates_to && local.migration == 0) {
            swap(row, Aim::name_successor, self(), local.migrates_to, true);
        }
        return;
    }
    if (local.lease.generation > guarded.generation) {
        note(Noted::killed_for_other, row, {}, local.lease.owner);
        fencer_.relabel(id_of(row), local.lease.generation);
        fencer_.kill(id_of(row), now_);
        return;
    }
    if (guarded.successor && local.lease.generation == guarded.generation &&
        local.lease.successor.host == settings_.self) {
        swap(row, Aim::claim, self(), {}, true);
    }
}

// The target may have run it: this copy lives on only if the target says that it never will.
void Agent::consider_given(std::size_t row, const Guarded& guarded) {
    auto& local = locals_[row];
    if (local.lease.owner.host != settings_.self) {
        if (local.lease.generation <= guarded.generation) return;
        if (kept(Rule::source_ends_after_hand_over, true)) fencer_.kill(id_of(row), now_);
        local.migrates_to = {};
        local.migration = 0;
        return;
    }
    const bool is_declined = local.declined_by_target >= guarded.generation;
    if (!kept(Rule::source_waits_for_decline, !is_declined)) {
        local.migrates_to = {};
        local.migration = 0;
        swap(row, Aim::resume, self(), {}, true);
        return;
    }
    if (!is_over(local.lease.successor, id_of(row))) return;
    note(Noted::killed_for_other, row, "the target is over and may have run it",
         local.lease.successor);
    fencer_.kill(id_of(row), now_);
    local.migrates_to = {};
    local.migration = 0;
}

bool Agent::is_over(const Tenure& tenure, MachineId machine) const {
    if (!tenure) return true;
    if (tenure.host == settings_.self) {
        // What runs here unguarded the fencer does not know.
        if (kept(Rule::unguarded_is_alive, tenure.epoch == 0)) return false;
        return fencer_.find(machine) == nullptr;
    }
    return observer_.is_over(tenure);
}

bool Agent::runs_elsewhere(std::size_t row) const {
    const auto said = observer_.report(locals_[row].lease.owner.host);
    if (!locals_[row].lease.owner || said == nullptr) return false;
    return std::ranges::any_of(said->machines, [&](const MachineReport& each) {
        return each.machine == id_of(row) &&
               (each.phase == Phase::running || each.phase == Phase::ready);
    });
}

bool Agent::is_takeable(std::size_t row) const {
    const auto& local = locals_[row];
    const auto machine = id_of(row);
    if (!is_over(local.lease.owner, machine)) return false;
    // Whom the target has told that it never will does not wait for it.
    if (local.declined_by_target >= local.lease.generation) return true;
    return !kept(Rule::successor_counts_as_owner, !is_over(local.lease.successor, machine));
}

void Agent::consider_absent(std::size_t row) {
    auto& local = locals_[row];
    const auto& lease = local.lease;
    local.ready = false;
    local.asked_to_shut_down = kNever;
    const bool is_mine = lease.owner.host == settings_.self;
    const bool is_current = is_mine && lease.owner.epoch == epoch_;
    if (is_mine) {
        local.migrates_to = {};
        local.migration = 0;
    } else if (local.failures != 0 && runs_elsewhere(row)) {
        local.failures = 0;
    }
    if (lease.successor == self() && !is_mine) {
        if (local.accepted < lease.generation) decline(row, lease.generation, lease.owner);
    }
    // Else the target of a migration may have the word, and run it yet.
    const bool heir_is_out =
        local.declined_by_target >= lease.generation || is_over(lease.successor, id_of(row));
    if (local.power_off || (is_current && local.ended)) {
        const bool may = (is_mine && !lease.is_unguarded()) || !lease.owner;
        if (may && lease.wanted) {
            if (!heir_is_out) return;
            swap(row, Aim::release, {}, {}, false);
        } else {
            if (local.power_off && !lease.wanted) emit(PowerOffDone{id_of(row)});
            local.power_off = local.ended = false;
        }
        return;
    }
    if (is_current && local.leaves) {
        if (heir_is_out) swap(row, Aim::offer, {}, {}, true);
        return;
    }
    local.leaves = false;
    if (kept(Rule::off_stays_off, !lease.wanted)) {
        local.takeable_since = kNever;
        if (local.power_on && takes_machines_) take(row);
        return;
    }
    // Who asks has seen that it does not run any more.
    if (is_mine && lease.is_unguarded() && local.power_on && takes_machines_) {
        take(row);
        return;
    }
    local.power_on = false;
    if (!is_takeable(row)) {
        local.takeable_since = kNever;
        return;
    }
    if (local.takeable_since == kNever) {
        local.takeable_since = now_;
        if (lease.owner && !is_mine) note_over(lease.owner);
    }
    // A crash, a start that did not happen, or the target of a migration whose source is over:
    // nobody else may take it while this host lives.
    if (!is_current && lease.successor != self()) return;
    if (takes_machines_ && local.failures == 0) {
        take(row);
    } else {
        swap(row, Aim::offer, {}, {}, true);
    }
}

// The fencer has it before the lease names an epoch: from then on others may take it over when this
// host falls silent.
void Agent::on(const Adopt& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size() || epoch_ == 0) return;
    const auto& local = locals_[row];
    const bool is_it = local.known && local.op == 0 && local.lease.is_unguarded() &&
                       local.lease.owner.host == settings_.self &&
                       local.lease.generation == event.generation;
    if (!is_it || !fencer_.adopt(event.machine, event.generation, now_)) return;
    swap(row, Aim::adopt, self(), {}, true);
}

void Agent::note_over(const Tenure& owner) {
    if (std::ranges::find(noted_over_, owner) != noted_over_.end()) return;
    if (noted_over_.size() >= kMostNotedOver) noted_over_.erase(noted_over_.begin());
    noted_over_.push_back(owner);
    const auto silence = observer_.silence_of(owner.host);
    emit(Note{.what = Noted::host_over,
              .machine = std::nullopt,
              .about = owner,
              .generation = 0,
              .why = text_of(observer_.judge(owner)),
              .etcd_silent = silence.etcd,
              .storage_silent = silence.storage});
}

void Agent::take(std::size_t row) {
    note(Noted::taking, row, {}, locals_[row].lease.owner);
    swap(row, Aim::take, self(), {}, true);
}

void Agent::consider_isolation() {
    const IsolationView view{
        .etcd_silent = now_ - fencer_.permit().etcd,
        .others_reach_etcd = observer_.others_reach_etcd(settings_.self, now_)};
    if (!is_isolated(view, catalogue_->isolation)) return;
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& local = locals_[row];
        const auto* guarded = fencer_.find(id_of(row));
        if (guarded == nullptr || guarded->state != Guard::running || local.migration != 0) {
            continue;
        }
        const bool asked = local.asked_to_shut_down != kNever;
        const auto since =
            asked ? std::max(now_ - local.asked_to_shut_down, Duration{1}) : Duration::zero();
        switch (isolation_step(catalogue_->machines[row].isolation, since, catalogue_->isolation)) {
            case IsolationStep::none:
                break;
            case IsolationStep::shut_down:
                note(Noted::isolated, row);
                local.asked_to_shut_down = now_;
                local.leaves = true;
                emit(ShutDownGuest{id_of(row)});
                break;
            case IsolationStep::power_off:
                note(Noted::isolated, row);
                local.leaves = true;
                fencer_.kill(id_of(row), now_);
                break;
        }
    }
}

}  // namespace drover::ha
