#include "ha/restart/restart_plan.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "ha/protocol/rules.hpp"
#include "plan/drs/placement.hpp"

namespace drover::ha {

namespace {

constexpr std::uint32_t kMostDoublings = 16;
constexpr Duration kReportsArrive = std::chrono::milliseconds{1500};

class Planning {
public:
    Planning(const Catalogue& catalogue, const RestartView& view,
             const std::vector<Assignment>& standing)
        : catalogue_(catalogue),
          view_(view),
          chosen_(view.machines.size()),
          urgency_(view.machines.size()) {
        find_urgency();
        for (std::size_t at = 0; at < view_.machines.size(); ++at) keep(at, standing);
    }

    RestartPlan run() {
        place_candidates();
        return std::move(plan_);
    }

private:
    void find_urgency();
    void place_candidates();
    std::optional<Waiting> place(std::size_t at, plan::State& state, plan::DemandCost& cost);
    void keep(std::size_t at, const std::vector<Assignment>& standing);
    std::optional<Waiting> held_back(std::size_t at) const;
    std::optional<Waiting> backs_off(std::size_t at) const;
    bool reached(std::size_t at) const;
    bool blocks(std::size_t at, std::size_t waiting) const;
    std::uint32_t starting_on(HostId host) const;
    std::size_t row_of(MachineId machine) const {
        const auto found = std::ranges::find(catalogue_.machines, machine, &ProtectedMachine::id);
        return static_cast<std::size_t>(found - catalogue_.machines.begin());
    }
    bool is_usable(HostId host) const {
        return std::ranges::find(view_.usable, host) != view_.usable.end();
    }

    const Catalogue& catalogue_;
    const RestartView& view_;
    std::vector<std::optional<HostId>> chosen_;
    std::vector<Priority> urgency_;
    RestartPlan plan_;
};

// A machine is as urgent as the most urgent one that needs it: otherwise one of low priority, those
// between the two and the one that needs it would all wait for each other.
void Planning::find_urgency() {
    for (std::size_t at = 0; at < urgency_.size(); ++at) {
        urgency_[at] = catalogue_.machines[at].priority;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t at = 0; at < urgency_.size(); ++at) {
            if (!view_.machines[at].lease.wanted) continue;
            for (const auto needed : catalogue_.machines[at].depends_on) {
                const auto row = row_of(needed);
                if (row >= urgency_.size() || urgency_[row] <= urgency_[at]) continue;
                urgency_[row] = urgency_[at];
                changed = true;
            }
        }
    }
}

void Planning::keep(std::size_t at, const std::vector<Assignment>& standing) {
    const auto& machine = view_.machines[at];
    if (!machine.takeable) return;
    for (const auto& old : standing) {
        const bool is_of_now =
            old.machine == catalogue_.machines[at].id && old.generation == machine.lease.generation;
        if (!is_of_now || !is_usable(old.host)) continue;
        chosen_[at] = old.host;
        plan_.assignments.push_back(old);
    }
}

// Whether those that wait for this machine may go on.
bool Planning::reached(std::size_t at) const {
    const auto& state = view_.machines[at];
    const auto& config = catalogue_.machines[at];
    if (state.takeable) return chosen_[at] && config.ready_when == ReadyWhen::assigned;
    switch (config.ready_when) {
        case ReadyWhen::assigned:
            return state.has_owner;
        case ReadyWhen::running:
            return state.phase == Phase::running || state.phase == Phase::ready;
        case ReadyWhen::guest_ready:
            return state.phase == Phase::ready;
    }
    return true;
}

// Not for ever: whoever waits goes on when the time for getting ready is over.
bool Planning::blocks(std::size_t at, std::size_t waiting) const {
    const auto& state = view_.machines[at];
    const auto& config = catalogue_.machines[at];
    if (!state.lease.wanted || config.priority == Priority::disabled) return false;
    if (state.failures >= catalogue_.failures_at_most || reached(at)) return false;
    return view_.now - view_.machines[waiting].down_since < config.ready_timeout;
}

std::optional<Waiting> Planning::backs_off(std::size_t at) const {
    const auto& state = view_.machines[at];
    // Offered by who could not run it; why may be known a heartbeat later than the offer.
    const bool is_offered = state.lease.wanted && !state.lease.owner;
    if (is_offered && view_.now - state.down_since < kReportsArrive) return Waiting::back_off;
    if (state.failures == 0) return std::nullopt;
    if (state.failures >= catalogue_.failures_at_most) return Waiting::too_many_failures;
    const auto doublings = std::min(state.failures - 1, kMostDoublings);
    const Duration wait =
        std::min(catalogue_.back_off * (std::int64_t{1} << doublings), catalogue_.back_off_at_most);
    const bool is_early = view_.now - state.failed_at < wait;
    if (kept(Rule::failed_start_backs_off, is_early)) return Waiting::back_off;
    return std::nullopt;
}

std::optional<Waiting> Planning::held_back(std::size_t at) const {
    const auto& config = catalogue_.machines[at];
    if (config.priority == Priority::disabled) return Waiting::disabled;
    if (const auto why = backs_off(at)) return why;
    for (const auto needed : config.depends_on) {
        const auto row = row_of(needed);
        if (row >= view_.machines.size()) continue;
        if (kept(Rule::dependencies_wait, blocks(row, at))) return Waiting::dependency;
    }
    for (std::size_t other = 0; other < view_.machines.size(); ++other) {
        const bool counts =
            view_.machines[other].is_read || !kept(Rule::unread_holds_up_nobody, true);
        const bool first = counts && urgency_[other] < urgency_[at];
        if (kept(Rule::priorities_wait, first && blocks(other, at))) return Waiting::priority;
    }
    return std::nullopt;
}

std::uint32_t Planning::starting_on(HostId host) const {
    std::uint32_t count = 0;
    for (std::size_t at = 0; at < view_.machines.size(); ++at) {
        const auto& state = view_.machines[at];
        if (state.takeable) {
            count += chosen_[at] == host ? 1 : 0;
        } else if (state.lease.owner.host == host && state.phase == Phase::starting) {
            ++count;
        }
    }
    return count;
}

// The cluster as it would be, on paper: lost hosts unusable, machines to be restarted nowhere.
plan::Snapshot on_paper(const Catalogue& catalogue, const RestartView& view,
                        const std::vector<std::optional<HostId>>& chosen) {
    plan::Snapshot paper = catalogue.shape;
    for (std::size_t at = 0; at < paper.hosts.size(); ++at) {
        const bool usable =
            std::ranges::find(view.usable, catalogue.hosts[at]) != view.usable.end();
        paper.hosts[at].usable = paper.hosts[at].usable && usable;
    }
    for (std::size_t at = 0; at < view.machines.size(); ++at) {
        const auto& state = view.machines[at];
        HostId where = state.takeable || !state.lease.owner ? kNoHost : state.lease.owner.host;
        if (state.takeable && chosen[at]) where = *chosen[at];
        const auto found = std::ranges::find(catalogue.hosts, where);
        paper.machines[at].host =
            found == catalogue.hosts.end()
                ? plan::kNone
                : static_cast<plan::HostIndex>(found - catalogue.hosts.begin());
    }
    return paper;
}

std::optional<Waiting> Planning::place(std::size_t at, plan::State& state, plan::DemandCost& cost) {
    if (const auto why = held_back(at)) return why;
    const auto row = static_cast<plan::MachineIndex>(at);
    auto choices = plan::recommend_hosts(state, cost, row);
    std::ranges::sort(choices, {}, [&](const plan::HostChoice& choice) {
        const bool has_failed = catalogue_.hosts[choice.host] == view_.machines[at].failed_on;
        return std::tuple(has_failed, choice.cost, choice.host);
    });
    for (const auto& choice : choices) {
        const HostId host = catalogue_.hosts[choice.host];
        const bool full = starting_on(host) >= catalogue_.starts_per_host;
        if (kept(Rule::parallel_starts_bounded, full)) continue;
        cost.will_move(state, row, choice.host);
        state.move(row, choice.host);
        chosen_[at] = host;
        plan_.assignments.push_back(
            {catalogue_.machines[at].id, view_.machines[at].lease.generation, host});
        return std::nullopt;
    }
    return choices.empty() ? Waiting::no_host : Waiting::start_slots;
}

void Planning::place_candidates() {
    std::vector<std::size_t> order;
    for (std::size_t at = 0; at < view_.machines.size(); ++at) {
        if (view_.machines[at].takeable && !chosen_[at]) order.push_back(at);
    }
    if (order.empty()) return;
    const auto paper = on_paper(catalogue_, view_, chosen_);
    const plan::Cluster cluster(paper);
    plan::State state(cluster);
    plan::DemandCost cost(state, {});
    std::ranges::sort(order, {}, [&](std::size_t at) {
        const auto row = static_cast<plan::MachineIndex>(at);
        const double size_bytes = cluster.load(row).memory_held_bytes;
        return std::tuple(urgency_[at], -size_bytes, at);
    });
    // The second pass lets those go on that waited for what the first has assigned.
    for (const bool is_last : {false, true}) {
        for (const auto at : order) {
            if (chosen_[at]) continue;
            const auto why = place(at, state, cost);
            if (why && is_last) plan_.waiting.push_back({catalogue_.machines[at].id, *why});
        }
    }
}

}  // namespace

std::string_view text_of(Waiting why) {
    switch (why) {
        case Waiting::priority:
            return "machines of a higher priority are not up yet";
        case Waiting::dependency:
            return "a machine that it depends on is not up yet";
        case Waiting::back_off:
            return "the last start failed; it is tried again later";
        case Waiting::too_many_failures:
            return "too many starts failed";
        case Waiting::start_slots:
            return "the hosts that can take it start as many machines as they may";
        case Waiting::no_host:
            return "no host can take it";
        case Waiting::disabled:
            return "restart is disabled for it";
    }
    return "";
}

RestartPlan plan_restarts(const Catalogue& catalogue, const RestartView& view,
                          const std::vector<Assignment>& standing) {
    return Planning(catalogue, view, standing).run();
}

}  // namespace drover::ha
