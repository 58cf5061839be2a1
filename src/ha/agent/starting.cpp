// From a swap that was won to a machine that runs: shut older generations out at the storage, make
// the process, check the permit again, let it run.

#include <utility>

#include "ha/agent/agent.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

void Agent::on(const LeaseSwapped& event) {
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& local = locals_[row];
        if (local.op != event.op) continue;
        local.op = 0;
        const bool lost = !event.won;
        const bool was_lost = local.aim == Aim::resume ? kept(Rule::swap_decides_resume, lost)
                                                       : kept(Rule::swap_decides_start, lost);
        if (was_lost) {
            note(Noted::lost_swap, row);
            local.known = false;  // whatever is there now, it has to be read
            local.aim = Aim::none;
            return;
        }
        if (event.won) local.lease = local.next;
        won(row);
        return;
    }
}

void Agent::won(std::size_t row) {
    auto& local = locals_[row];
    const auto aim = std::exchange(local.aim, Aim::none);
    const auto machine = id_of(row);
    const auto generation = local.next.generation;
    local.takeable_since = kNever;
    switch (aim) {
        case Aim::take:
            local.power_on = local.ended = local.leaves = false;
            if (settings_.fencing == StorageFencing::at_storage &&
                kept(Rule::storage_fenced_before_start, true)) {
                local.op = next_op();
                local.op_sent = now_;
                emit(FenceStorage{local.op, machine, generation});
            } else {
                launch(row);
            }
            break;
        case Aim::resume:
            // Won, but the permit has gone meanwhile: it stays stopped, and the next epoch swaps
            // again.
            if (fencer_.resume(machine, generation, now_)) note(Noted::resumed, row);
            if (local.migration != 0) emit(CancelMigration{machine, local.migration});
            local.migration = 0;
            local.migrates_to = {};
            break;
        case Aim::claim:
            fencer_.relabel(machine, generation);
            note(Noted::claimed, row);
            break;
        case Aim::adopt:
            fencer_.relabel(machine, generation);
            note(Noted::adopted, row);
            break;
        case Aim::name_successor:
            fencer_.relabel(machine, generation);
            local.migration = generation;
            emit(BeginMigration{machine, generation, local.migrates_to});
            break;
        case Aim::clear_successor:
            fencer_.relabel(machine, generation);
            break;
        case Aim::release:
            if (local.power_off) emit(PowerOffDone{machine});
            local.power_off = local.ended = false;
            note(Noted::released, row);
            break;
        case Aim::offer:
            local.leaves = local.ended = false;
            note(Noted::offered, row);
            break;
        case Aim::none:
            break;
    }
}

void Agent::on(const StorageFenced& event) {
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& local = locals_[row];
        if (local.op != event.op) continue;
        local.op = 0;
        if (event.done) launch(row);
        return;
    }
}

void Agent::launch(std::size_t row) {
    const auto machine = id_of(row);
    const auto generation = locals_[row].next.generation;
    if (!fencer_.prepare(machine, generation, false, now_)) return;
    locals_[row].launched_at = now_;
    emit(Launch{machine, generation});
}

void Agent::start_failed(std::size_t row, std::string_view why) {
    ++locals_[row].failures;
    note(Noted::start_failed, row, why);
}

void Agent::on(const Launched& event) {
    const auto row = row_of(event.machine);
    const auto* guarded = fencer_.find(event.machine);
    if (row >= locals_.size() || guarded == nullptr || guarded->generation != event.generation) {
        return;
    }
    auto& local = locals_[row];
    if (!event.done) {
        fencer_.exited(event.machine, now_);
        start_failed(row, {});
        return;
    }
    if (fencer_.start(event.machine, event.generation, now_)) {
        local.failures = 0;
        note(Noted::started, row);
    } else {
        fencer_.kill(event.machine, now_);
    }
}

}  // namespace drover::ha
