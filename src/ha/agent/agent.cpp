#include "ha/agent/agent.hpp"

#include <algorithm>
#include <utility>

#include "ha/protocol/rules.hpp"

namespace drover::ha {

Agent::Agent(const AgentSettings& settings, Fencer& fencer)
    : settings_(settings),
      fencer_(fencer),
      observer_(settings.timing),
      catalogue_(std::make_shared<Catalogue>()) {}

std::vector<Action> Agent::step(const Event& event, Time now) {
    now_ = now;
    if (!std::exchange(started_, true)) {
        if (kept(Rule::restarted_agent_joins_anew, true)) {
            fencer_.drop_permit(now);
        } else if (!fencer_.fenced()) {
            epoch_ = fencer_.permit().epoch;
        }
        tried_epoch_ = fencer_.permit().epoch;
    }
    // The clock comes before the answer: one that is too late changes nothing.
    leave_if_fenced();
    std::visit([this](const auto& each) { on(each); }, event);
    leave_if_fenced();
    if (now_ >= next_read_) read_storage();
    if (epoch_ == 0) {
        join_if_quiet();
    } else if (now_ >= next_beat_) {
        next_beat_ = now_ + settings_.timing.interval;
        beat_etcd();
        beat_storage();
        consider_isolation();
    }
    return std::exchange(actions_, {});
}

Time Agent::next_wake() const {
    const Time wake = epoch_ == 0 ? std::min(next_read_, now_ + std::chrono::milliseconds{50})
                                  : std::min(next_read_, next_beat_);
    return std::max(wake, now_ + std::chrono::milliseconds{1});
}

std::size_t Agent::row_of(MachineId machine) const {
    const auto found = std::ranges::find(catalogue_->machines, machine, &ProtectedMachine::id);
    return static_cast<std::size_t>(found - catalogue_->machines.begin());
}

void Agent::note(Noted what, std::size_t row, std::string_view why, const Tenure& about) {
    Note made{.what = what, .machine = std::nullopt, .about = about, .generation = 0, .why = why};
    if (row < locals_.size()) {
        made.machine = id_of(row);
        made.generation = locals_[row].lease.generation;
    }
    emit(made);
}

void Agent::on(const CatalogueChanged& event) {
    if (event.catalogue == nullptr || event.catalogue->version < catalogue_->version) return;
    std::vector<Local> locals(event.catalogue->machines.size());
    for (std::size_t row = 0; row < locals.size(); ++row) {
        const auto& machine = event.catalogue->machines[row];
        const auto old = row_of(machine.id);
        if (old >= locals_.size()) continue;
        const bool has_moved = catalogue_->machines[old].lease_place != machine.lease_place;
        if (!has_moved) locals[row] = std::move(locals_[old]);
    }
    catalogue_ = event.catalogue;
    locals_ = std::move(locals);
    failures_.assign(locals_.size(), {});
    noted_waiting_.clear();
    readings_.clear();  // they are in the old order
}

void Agent::on(const PowerOn& event) {
    const auto row = row_of(event.machine);
    if (row < locals_.size()) locals_[row].power_on = true;
}

void Agent::on(const PowerOff& event) {
    const auto row = row_of(event.machine);
    if (row >= locals_.size()) return;
    locals_[row].power_off = true;
    locals_[row].power_on = false;
    fencer_.kill(event.machine, now_);
}

void Agent::on(const GuestReady& event) {
    const auto row = row_of(event.machine);
    if (row < locals_.size() && fencer_.find(event.machine) != nullptr) locals_[row].ready = true;
}

void Agent::on(const Exited& event) {
    const auto row = row_of(event.machine);
    fencer_.exited(event.machine, now_);
    if (row >= locals_.size()) return;
    locals_[row].ready = false;
    if (event.by_guest) locals_[row].ended = true;
}

std::string_view text_of(Noted what) {
    switch (what) {
        case Noted::joined:
            return "joined in a new epoch";
        case Noted::permit_lost:
            return "lost the permit to run machines";
        case Noted::host_over:
            return "found the owner over";
        case Noted::taking:
            return "takes the machine over";
        case Noted::lost_swap:
            return "was too late: the lease had moved on";
        case Noted::started:
            return "started the machine";
        case Noted::start_failed:
            return "could not start the machine";
        case Noted::resumed:
            return "continued the machine, which nobody had taken";
        case Noted::killed_for_other:
            return "ended its copy: another host has the machine";
        case Noted::released:
            return "released the machine: it is off";
        case Noted::offered:
            return "offered the machine to other hosts";
        case Noted::planned:
            return "planned where the machine starts";
        case Noted::waits:
            return "lets the machine wait";
        case Noted::handed_over:
            return "handed the machine over to its target";
        case Noted::accepted:
            return "runs the machine that migrated here";
        case Noted::declined:
            return "declined the machine";
        case Noted::claimed:
            return "has the lease of the machine that migrated here";
        case Noted::adopted:
            return "guards the machine, which ran before it was protected";
        case Noted::isolated:
            return "is isolated from the network";
    }
    return "";
}

std::string_view word_of(Noted what) {
    switch (what) {
        case Noted::joined:
            return "joined";
        case Noted::permit_lost:
            return "permit_lost";
        case Noted::host_over:
            return "host_over";
        case Noted::taking:
            return "taking";
        case Noted::lost_swap:
            return "lost_swap";
        case Noted::started:
            return "started";
        case Noted::start_failed:
            return "start_failed";
        case Noted::resumed:
            return "resumed";
        case Noted::killed_for_other:
            return "killed_for_other";
        case Noted::released:
            return "released";
        case Noted::offered:
            return "offered";
        case Noted::planned:
            return "planned";
        case Noted::waits:
            return "waits";
        case Noted::handed_over:
            return "handed_over";
        case Noted::accepted:
            return "accepted";
        case Noted::declined:
            return "declined";
        case Noted::claimed:
            return "claimed";
        case Noted::adopted:
            return "adopted";
        case Noted::isolated:
            return "isolated";
    }
    return "";
}

}  // namespace drover::ha
