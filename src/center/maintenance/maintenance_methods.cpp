#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>

#include "center/maintenance/evacuation.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr int kPercentOfMoves = 90;

// The preview, in the words of DRS.
vim::ClusterRecommendation recommendation(const MigrationParts& parts, const EvacuationStep& step,
                                          const MoRef& from, int number) {
    const std::string key = std::to_string(number);
    const auto now = parts.context.runtime.clock().wall_now();
    auto migration = vim::ClusterDrsMigration::make();
    migration.set_key(key);
    migration.set_time(now);
    migration.set_vm(step.machine);
    migration.set_source(from);
    migration.set_destination(step.to);
    auto action = vim::ClusterMigrationAction::make();
    action.set_type("MigrationV1");
    action.set_target(step.machine);
    action.set_drsMigration(migration);
    auto made = vim::ClusterRecommendation::make();
    made.set_key(key);
    made.set_type("V1");
    made.set_time(now);
    made.set_rating(5);
    made.set_reason("hostMaint");
    made.set_reasonText("Host is entering maintenance mode");
    made.set_action(std::vector<vim::ClusterAction>{action});
    made.set_target(step.machine);
    return made;
}

Awaitable<Value> preview(Drs& drs, Call call) {
    const MigrationParts parts = drs.parts();
    const auto asked = call.arguments<vim::ClusterEnterMaintenanceModeRequest>();
    std::vector<vim::ClusterRecommendation> moves;
    std::vector<vim::ClusterDrsFaultsFaultsByVm> obstacles;
    const auto hosts = asked.host().to_vector();
    const bool by_drs = drs.is_enabled(call.self);
    std::vector<EvacuationStep> planned;
    if (by_drs) planned = (co_await plan_drs_evacuation(drs, call.self, hosts)).machines;
    for (const MoRef& host : hosts) {
        const Host* known = parts.hosts.find(host);
        if (known == nullptr) throw vim::object_not_found(host);
        if (known->compute_resource != call.self) {
            throw vim::invalid_argument("host", "The host does not belong to this cluster.");
        }
        std::vector<EvacuationStep> steps;
        if (by_drs) {
            for (const auto& step : planned) {
                if (host_of(parts, step.machine) == host) steps.push_back(step);
            }
        } else {
            steps = co_await plan_evacuation(parts, host, hosts, false);
        }
        for (const auto& step : steps) {
            if (step.to) {
                moves.push_back(
                    recommendation(parts, step, host, static_cast<int>(moves.size()) + 1));
                continue;
            }
            auto faults = vim::ClusterDrsFaultsFaultsByVm::make();
            faults.set_vm(step.machine);
            faults.set_fault(step.obstacles);
            obstacles.push_back(faults);
        }
    }
    auto result = vim::ClusterEnterMaintenanceResult::make();
    if (!moves.empty()) result.set_recommendations(moves);
    if (!obstacles.empty()) {
        auto faults = vim::ClusterDrsFaults::make();
        faults.set_reason("hostMaint");
        faults.set_faultsByVm(obstacles);
        result.set_fault(faults);
    }
    co_return result.raw();
}

// What those who evacuate one host share.
struct Progress {
    explicit Progress(const boost::asio::any_io_executor& strand)
        : ended(strand, boost::asio::steady_timer::time_point::max()) {}
    std::size_t open = 0;
    std::size_t all = 0;
    boost::asio::steady_timer ended;
    std::vector<std::string> failures;
};

Awaitable<void> move_one(Moves& moves, EvacuationStep step, std::string user, TaskContextPtr task,
                         std::shared_ptr<Progress> progress) {
    try {
        task->check_cancelled();
        Destination to;
        to.host = step.to;
        // Each has its own task's progress to show; here they count as one each.
        co_await moves.move(step.machine, to, user, nullptr);
    } catch (const std::exception& error) {
        progress->failures.push_back(fmt::format("{}: {}", step.name, error.what()));
    }
    --progress->open;
    const auto done = progress->all - progress->open;
    task->set_progress(static_cast<int>(kPercentOfMoves * done / progress->all));
    if (progress->open == 0) progress->ended.cancel();
}

void require_possible(const std::vector<EvacuationStep>& plan) {
    std::string reasons;
    for (const EvacuationStep& step : plan) {
        if (step.to) continue;
        for (const auto& obstacle : step.obstacles) {
            reasons += fmt::format(" {}: {}", step.name, obstacle.localizedMessage().value_or(""));
        }
    }
    if (reasons.empty()) return;
    throw vim::make_fault<vim::InvalidState>("Not all machines can leave the host." + reasons);
}

Awaitable<void> evacuate(Moves& moves, MoRef host, bool powered_off_too, std::string user,
                         TaskContextPtr task) {
    task->set_description("Moving machines to other hosts");
    const auto plan = co_await plan_evacuation(moves.parts(), host, {host}, powered_off_too);
    require_possible(plan);
    if (plan.empty()) co_return;
    auto& runtime = moves.parts().context.runtime;
    const auto progress = std::make_shared<Progress>(runtime.strand());
    progress->open = progress->all = plan.size();
    for (const EvacuationStep& step : plan) {
        runtime.spawn("evacuation", move_one(moves, step, user, task, progress));
    }
    if (progress->open > 0) {
        co_await progress->ended.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    task->check_cancelled();
    if (progress->failures.empty()) co_return;
    throw vim::make_fault<vim::InvalidState>(
        fmt::format("Not all machines have left the host. {}", progress->failures.front()));
}

// While it is emptied nobody comes.
class Leaving {
public:
    Leaving(Drs& drs, const MoRef& host) : drs_(drs), host_(host) { drs_.set_leaving(host_, true); }
    ~Leaving() { drs_.set_leaving(host_, false); }
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;

private:
    Drs& drs_;
    MoRef host_;
};

// What runs, by the planner. What is left then is looked at without it.
Awaitable<void> evacuate_by_drs(Drs& drs, MoRef cluster, MoRef host, std::string user,
                                TaskContextPtr task) {
    task->set_description("Moving machines to other hosts");
    co_await drs.settled(cluster);
    const DrsEvacuation plan = co_await plan_drs_evacuation(drs, cluster, {host});
    require_possible(plan.machines);
    std::map<plan::MachineIndex, std::string> reasons;
    for (const auto& step : plan.migrations.steps) {
        reasons[step.machine] = "a host enters maintenance mode";
    }
    std::vector<MoRef> leaving;
    for (const auto& each : plan.machines) leaving.push_back(each.machine);
    co_await drs.note_evacuated(host, std::move(leaving));
    co_await drs.carry_out(plan.view, plan.migrations, std::move(reasons), user);
    task->check_cancelled();
}

Awaitable<Value> enter(Drs& drs, Call call, TaskContextPtr task) {
    Moves& moves = drs.moves();
    const auto asked = call.arguments<vim::EnterMaintenanceMode_TaskRequest>();
    const Host* host = moves.parts().hosts.find(call.self);
    if (host == nullptr) throw vim::object_not_found(call.self);
    Forwarding::require_connected(*host);
    const MoRef resource = host->compute_resource;
    std::optional<Leaving> leaving;
    if (resource.type == TypeId::ClusterComputeResource) {
        leaving.emplace(drs, call.self);
        if (drs.is_enabled(resource)) {
            co_await evacuate_by_drs(drs, resource, call.self, call.caller->user, task);
        }
        co_await evacuate(moves, call.self, asked.evacuatePoweredOffVms().value_or(false),
                          call.caller->user, task);
    }
    task->set_description("");
    const HostObject there = moves.parts().forwarding.home_of(call.self);
    co_return co_await moves.parts().forwarding.run_task(there, "EnterMaintenanceMode_Task",
                                                         call.request, task);
}

}  // namespace

void serve_maintenance(Drs& drs) {
    auto& context = drs.parts().context;
    context.dispatcher.add("ClusterEnterMaintenanceMode",
                           [&drs](Call call) { return preview(drs, call); });
    context.tasks.add_method(
        context.dispatcher, "EnterMaintenanceMode_Task", "HostSystem.enterMaintenanceMode",
        [&drs](Call call, TaskContextPtr task) { return enter(drs, call, task); }, true);
}

}  // namespace drover::center
