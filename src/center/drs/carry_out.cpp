// Carrying out a plan: each migration is a task of its own, begun when the plan allows it.

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::TaskContextPtr;
using vim::MoRef;
using vim::Value;

namespace {

constexpr std::string_view kDescription = "Drm.ExecuteVMotionLRO";
// Where a machine could not go it is not sent again for a while.
constexpr std::chrono::minutes kRefused{10};
// A machine that has to go back to its companions is tried so often.
constexpr int kMostReturns = 5;
constexpr std::chrono::seconds kReturnPause{5};

}  // namespace

plan::MigrationPlan subset(const plan::MigrationPlan& plan, const std::vector<bool>& wanted) {
    std::vector<bool> kept = wanted;
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t at = 0; at < kept.size(); ++at) {
            if (!kept[at]) continue;
            const auto& step = plan.steps[at];
            bool stays = true;
            for (const auto before : step.after) stays &= kept[before];
            for (std::size_t other = 0; other < kept.size() && stays; ++other) {
                const auto& mate = plan.steps[other];
                if (step.bundle != plan::kNone && mate.bundle == step.bundle) stays &= kept[other];
            }
            if (stays) continue;
            kept[at] = false;
            changed = true;
        }
    }
    plan::MigrationPlan made;
    std::vector<plan::StepIndex> renumbered(kept.size(), plan::kNone);
    for (std::size_t at = 0; at < kept.size(); ++at) {
        if (!kept[at]) continue;
        renumbered[at] = static_cast<plan::StepIndex>(made.steps.size());
        plan::Step step = plan.steps[at];
        for (auto& before : step.after) before = renumbered[before];
        made.steps.push_back(std::move(step));
    }
    return made;
}

/// One plan on its way.
struct Drs::Run {
    Run(std::shared_ptr<const ClusterView> the_view, plan::MigrationPlan plan,
        const boost::asio::any_io_executor& strand)
        : view(std::move(the_view)),
          cluster(view->snapshot),
          execution(cluster, std::move(plan), {.per_host = Moves::kAtATime}),
          changed(strand, boost::asio::steady_timer::time_point::max()) {}

    std::shared_ptr<const ClusterView> view;
    plan::Cluster cluster;
    plan::Execution execution;
    boost::asio::steady_timer changed;
    std::map<plan::MachineIndex, std::string> reasons;
    std::string user;
    std::size_t under_way = 0;
    bool failed = false;
    int returns = 0;
    bool has_news = false;

    void tell() {
        has_news = true;
        changed.cancel();
    }
};

Awaitable<bool> Drs::carry_out(std::shared_ptr<const ClusterView> view, plan::MigrationPlan plan,
                               std::map<plan::MachineIndex, std::string> reasons,
                               std::string user) {
    auto& runtime = parts().context.runtime;
    const auto run = std::make_shared<Run>(view, std::move(plan), runtime.strand());
    run->reasons = std::move(reasons);
    run->user = std::move(user);
    while (!run->execution.finished() && run->returns <= kMostReturns) {
        for (auto next = run->execution.startable(); !next.empty();
             next = run->execution.startable()) {
            run->execution.start(next.front());
            ++run->under_way;
            runtime.spawn("DRS migration", carry_out_step(run, next.front()));
        }
        if (run->under_way == 0 && !run->has_news) break;
        while (!std::exchange(run->has_news, false)) {
            co_await run->changed.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
    }
    co_return !run->failed;
}

// A migration of its own among the tasks; ends with it, and throws what it failed with.
Awaitable<void> Drs::move_as_task(MoRef machine, MoRef to, std::string user, std::string reason) {
    auto& context = parts().context;
    task::TaskSpec spec;
    spec.description_id = kDescription;
    spec.entity = machine;
    spec.entity_name = name_of(context, machine);
    spec.user = user;
    spec.cancelable = true;
    struct End {
        bool ended = false;
        std::exception_ptr failure;
        boost::asio::steady_timer timer;
    };
    const auto end = std::make_shared<End>(
        false, nullptr,
        boost::asio::steady_timer(context.runtime.strand(),
                                  boost::asio::steady_timer::time_point::max()));
    context.tasks.start(
        spec, [this, machine, to, reason, user, end](TaskContextPtr task) -> Awaitable<Value> {
            try {
                Destination wish;
                wish.host = to;
                co_await moves_.move(machine, wish, user, task, reason);
            } catch (...) {
                end->failure = std::current_exception();
            }
            end->ended = true;
            end->timer.cancel();
            if (end->failure) std::rethrow_exception(end->failure);
            co_return Value{};
        });
    if (!end->ended) {
        co_await end->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (end->failure) std::rethrow_exception(end->failure);
}

Awaitable<void> Drs::carry_out_step(std::shared_ptr<Run> run, plan::StepIndex index) {
    const plan::Step step = run->execution.steps()[index];
    const MoRef machine = run->view->machines[step.machine];
    const MoRef from = run->view->hosts[step.from];
    const MoRef to = run->view->hosts[step.to];
    const auto why = run->reasons.find(step.machine);
    const std::string reason = why != run->reasons.end() ? why->second
                               : step.steps_aside
                                   ? std::string("steps aside to let another machine pass")
                                   : std::string("belongs to another machine's move");
    auto& context = parts().context;
    bool done = false;
    try {
        if (context.inventory.find(machine) == nullptr || host_of(parts(), machine) != from ||
            !is_powered(parts(), machine, vim::VirtualMachinePowerState::poweredOn)) {
            throw vim::make_fault<vim::InvalidState>("The machine is no longer where it was.");
        }
        co_await move_as_task(machine, to, run->user, reason);
        done = true;
    } catch (const std::exception& error) {
        base::log_warning("DRS: {} could not go from {} to {}: {}", name_of(context, machine),
                          name_of(context, from), name_of(context, to), error.what());
    }
    const auto now = context.runtime.clock().steady_now();
    --run->under_way;
    if (done) {
        // What somebody asked for does not keep it from moving again.
        if (run->user.empty()) figures_.moved_by_drs(machine.id, now);
        run->execution.succeed(index);
        try {
            const auto at = context.runtime.clock().wall_now();
            co_await history_.add(run->view->cluster, {at, machine.id, from.id, to.id, reason});
        } catch (const std::exception& error) {
            base::log_warning("DRS: its history can't be stored: {}", error.what());
        }
        publish_history(run->view->cluster);
    } else {
        const std::pair key{machine.id, to.id};
        refused_.insert(key);
        refused_until_[key] = now + kRefused;
        run->failed = true;
        run->execution.fail(index);
        if (run->execution.status(index) == plan::StepStatus::waiting) {
            ++run->returns;
            co_await context.runtime.sleep(kReturnPause);
        }
    }
    run->tell();
}

}  // namespace drover::center
