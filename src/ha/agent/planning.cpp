// Restarts. One host, whoever holds the planner's lease, says which machine goes where; the others
// do what it says when their own eyes agree. When no plan comes they help themselves: who starts a
// machine is decided by the machine's lease alone.

#include <algorithm>

#include "ha/agent/agent.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

namespace {

constexpr Duration kHeardOfLate = std::chrono::seconds{2};
constexpr Duration kPlanLost = std::chrono::seconds{2};
constexpr Duration kNobodyElse = std::chrono::seconds{30};

}  // namespace

RestartView Agent::view_of_cluster() {
    RestartView view;
    view.now = now_;
    view.machines.resize(locals_.size());
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& state = view.machines[row];
        state.lease = locals_[row].lease;
        // A running machine whose owner says nothing is taken to start. But nobody speaks for what
        // runs unguarded, and it must not hold up the others.
        const bool is_unguarded = state.lease.is_unguarded();
        state.phase = is_unguarded ? Phase::ready : Phase::starting;
        const bool is_mine = state.lease.owner == self();
        const auto& owner = state.lease.owner;
        state.has_owner = is_mine || is_unguarded ||
                          (observer_.heard(owner.host, now_, kHeardOfLate) &&
                           observer_.entered_epoch(owner.host) == owner.epoch);
        state.is_read = now_ - locals_[row].read_at < settings_.timing.plan_wait;
        state.takeable = state.is_read && locals_[row].takeable_since != kNever && !is_mine;
        state.down_since = locals_[row].takeable_since;
    }
    collect_reports(view);
    return view;
}

void Agent::collect_reports(RestartView& view) {
    std::vector<Failures> seen(locals_.size());
    for (const auto host : catalogue_->hosts) {
        const bool is_self = host == settings_.self;
        const auto said = is_self ? report() : observer_.report(host);
        if (said == nullptr) continue;
        const bool is_there = is_self || observer_.heard(host, now_, kHeardOfLate);
        if (!is_there) continue;  // what it said may be of before
        if (said->takes_machines) view.usable.push_back(host);
        for (const auto& each : said->machines) {
            const auto row = row_of(each.machine);
            if (row >= locals_.size()) continue;
            auto& state = view.machines[row];
            if (state.lease.owner.host == host && each.phase != Phase::failed) {
                state.phase = each.phase;
            }
            if (each.phase == Phase::running || each.phase == Phase::ready) failures_[row] = {};
            if (each.failures == 0) continue;
            seen[row].count += each.failures;
            seen[row].host = host;
        }
    }
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& known = failures_[row];
        if (seen[row].count > known.count) known = {seen[row].count, now_, seen[row].host};
        view.machines[row].failures = known.count;
        view.machines[row].failed_at = known.at;
        view.machines[row].failed_on = known.host;
    }
}

// Without those that nobody has acted on for long: whoever was chosen can't, whatever it says.
std::vector<Assignment> Agent::standing_assignments() {
    std::vector<Assignment> standing;
    for (const auto& each : plan_.assignments) {
        const auto row = row_of(each.machine);
        if (row >= locals_.size()) continue;
        auto& local = locals_[row];
        // Of an earlier incident, which is over: somebody has acted on it.
        if (each.generation != local.lease.generation) continue;
        if (local.assigned != each) {
            local.assigned = each;
            local.assigned_at = now_;
        }
        const bool is_stale = local.takeable_since != kNever &&
                              now_ - local.assigned_at >= 4 * settings_.timing.plan_wait;
        if (!is_stale) {
            standing.push_back(each);
            continue;
        }
        local.assigned_at = now_;
        // As after a failed start: later, and elsewhere if possible. It does not add up.
        failures_[row] = {std::max(failures_[row].count, 1U), now_, each.host};
    }
    return standing;
}

void Agent::plan_restarts_now() {
    const bool waits = std::ranges::any_of(
        locals_, [](const Local& local) { return local.takeable_since != kNever; });
    if (!waits) {
        plan_since_ = kNever;
        return;
    }
    if (plan_since_ == kNever) plan_since_ = now_;
    if (plan_op_ != 0 && now_ - plan_sent_ < kPlanLost) return;
    const bool is_planner = plan_.planner == self();
    if (!is_planner && plan_.planner && plan_.planner.host != settings_.self &&
        !observer_.is_over(plan_.planner)) {
        return;
    }
    const auto standing = standing_assignments();
    const auto view = view_of_cluster();
    // Of several that could plan, the first by number: fewer lost swaps.
    const bool others_first =
        std::ranges::any_of(view.usable, [this](HostId host) { return host < settings_.self; });
    if (!is_planner && others_first && now_ - plan_since_ < settings_.timing.takeover / 2) return;
    auto plan = plan_restarts(*catalogue_, view, standing);
    note_waiting(plan);
    if (plan.assignments == plan_.assignments && is_planner) return;
    plan_next_ = {plan_.generation + 1, self(), std::move(plan.assignments)};
    plan_op_ = next_op();
    plan_sent_ = now_;
    emit(SwapPlan{plan_op_, plan_next_});
}

void Agent::note_waiting(const RestartPlan& plan) {
    for (const auto& each : plan.waiting) {
        const auto row = row_of(each.machine);
        if (noted_waiting_.size() != locals_.size()) {
            noted_waiting_.assign(locals_.size(), Waiting::disabled);
        }
        if (noted_waiting_[row] == each.why && each.why != Waiting::no_host) continue;
        if (noted_waiting_[row] != each.why) note(Noted::waits, row, text_of(each.why));
        noted_waiting_[row] = each.why;
    }
}

void Agent::on(const PlanSwapped& event) {
    if (event.op != plan_op_) return;
    plan_op_ = 0;
    if (!event.won || epoch_ == 0) return;
    plan_ = plan_next_;
    for (const auto& each : plan_.assignments) {
        note(Noted::planned, row_of(each.machine), {}, {each.host, 0});
    }
    take_assigned();
}

void Agent::take_assigned() {
    if (!fencer_.allows(now_) || !takes_machines_) return;
    for (std::size_t row = 0; row < locals_.size(); ++row) {
        auto& local = locals_[row];
        const bool is_free = local.known && local.op == 0 && local.takeable_since != kNever &&
                             fencer_.find(id_of(row)) == nullptr && !local.power_off;
        if (!is_free) continue;
        const bool is_planned = std::ranges::any_of(plan_.assignments, [&](const Assignment& each) {
            return each.machine == id_of(row) && each.generation == local.lease.generation &&
                   each.host == settings_.self;
        });
        if (is_planned || !kept(Rule::planner_places, true)) {
            take(row);
            continue;
        }
        // The planner is there but does not plan, or whom it has chosen does not act.
        const auto rank = static_cast<std::int64_t>(index_of(settings_.self));
        const Duration patience = settings_.timing.plan_wait + rank * settings_.timing.interval;
        const bool is_late = now_ - local.takeable_since >= 2 * patience;
        if (!is_late || plan_.planner == self() || plan_op_ != 0) continue;
        auto view = view_of_cluster();
        if (now_ - local.takeable_since >= kNobodyElse + patience) view.usable = {settings_.self};
        const auto own = plan_restarts(*catalogue_, view, {});
        for (const auto& each : own.assignments) {
            if (each.machine == id_of(row) && each.host == settings_.self) take(row);
        }
    }
}

}  // namespace drover::ha
