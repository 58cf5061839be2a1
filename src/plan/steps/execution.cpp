#include "plan/steps/execution.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/check.hpp"

namespace drover::plan {

Execution::Execution(const Cluster& cluster, MigrationPlan plan, const ConcurrencyLimits& limits)
    : limits_(limits),
      steps_(std::move(plan.steps)),
      status_(steps_.size(), StepStatus::waiting),
      followers_(steps_.size()),
      is_return_(steps_.size(), false),
      on_host_(cluster.host_count()),
      datastores_(cluster.machine_count()) {
    std::unordered_map<std::string, std::uint32_t> known;
    for (StepIndex at = 0; at < steps_.size(); ++at) {
        const auto& step = steps_[at];
        for (const auto before : step.after) followers_[before].push_back(at);
        if (step.bundle != kNone && step.bundle >= broken_bundles_.size()) {
            broken_bundles_.resize(step.bundle + 1);
        }
        auto& list = datastores_[step.machine];
        if (!list.empty()) continue;
        for (const auto& name : cluster.snapshot().machines[step.machine].datastores) {
            list.push_back(
                known.try_emplace(name, static_cast<std::uint32_t>(known.size())).first->second);
        }
    }
    on_datastore_.resize(known.size());
}

bool Execution::may_start(StepIndex index) const {
    const auto& step = steps_[index];
    if (status_[index] != StepStatus::waiting) return false;
    for (const auto before : step.after) {
        if (status_[before] != StepStatus::done) return false;
    }
    if (on_host_[step.from] >= limits_.per_host || on_host_[step.to] >= limits_.per_host) {
        return false;
    }
    return std::ranges::all_of(datastores_[step.machine], [this](std::uint32_t datastore) {
        return on_datastore_[datastore] < limits_.per_datastore;
    });
}

std::vector<StepIndex> Execution::startable() const {
    std::vector<StepIndex> found;
    for (StepIndex at = 0; at < steps_.size(); ++at) {
        if (may_start(at)) found.push_back(at);
    }
    return found;
}

void Execution::count(StepIndex index, int change) {
    const auto& step = steps_[index];
    const auto add = [change](std::uint32_t& counter) {
        counter = static_cast<std::uint32_t>(static_cast<int>(counter) + change);
    };
    add(on_host_[step.from]);
    add(on_host_[step.to]);
    for (const auto datastore : datastores_[step.machine]) add(on_datastore_[datastore]);
}

void Execution::start(StepIndex step) {
    DROVER_CHECK(may_start(step));
    status_[step] = StepStatus::running;
    count(step, 1);
}

void Execution::succeed(StepIndex step) {
    DROVER_CHECK(status_[step] == StepStatus::running);
    count(step, -1);
    status_[step] = StepStatus::done;
    const auto bundle = steps_[step].bundle;
    if (bundle != kNone && broken_bundles_[bundle] && !is_return_[step]) put_back(step);
}

void Execution::fail(StepIndex step) {
    DROVER_CHECK(status_[step] == StepStatus::running);
    count(step, -1);
    if (is_return_[step]) {
        // It has to go back: its companions are there.
        status_[step] = StepStatus::waiting;
        return;
    }
    status_[step] = StepStatus::failed;
    abandon_after(step);
    if (steps_[step].bundle != kNone) abandon_bundle(steps_[step].bundle);
}

void Execution::abandon_after(StepIndex step) {
    // A copy: steps back may be added meanwhile.
    const auto followers = followers_[step];
    for (const auto follower : followers) {
        if (status_[follower] != StepStatus::waiting) continue;
        status_[follower] = StepStatus::abandoned;
        abandon_after(follower);
        if (steps_[follower].bundle != kNone) abandon_bundle(steps_[follower].bundle);
    }
}

void Execution::abandon_bundle(std::uint32_t bundle) {
    if (broken_bundles_[bundle]) return;
    broken_bundles_[bundle] = true;
    const auto count = steps_.size();
    for (StepIndex at = 0; at < count; ++at) {
        if (steps_[at].bundle != bundle || is_return_[at]) continue;
        if (status_[at] == StepStatus::waiting) {
            status_[at] = StepStatus::abandoned;
            abandon_after(at);
        } else if (status_[at] == StepStatus::done) {
            put_back(at);
        }
    }
}

void Execution::put_back(StepIndex index) {
    const Step step = steps_[index];
    steps_.push_back({step.machine, step.to, step.from, {}, step.bundle, false});
    status_.push_back(StepStatus::waiting);
    followers_.emplace_back();
    is_return_.push_back(true);
}

void Execution::abort() {
    const auto count = steps_.size();
    for (StepIndex at = 0; at < count; ++at) {
        if (status_[at] != StepStatus::waiting || is_return_[at]) continue;
        status_[at] = StepStatus::abandoned;
        if (steps_[at].bundle != kNone) abandon_bundle(steps_[at].bundle);
    }
}

bool Execution::finished() const {
    return std::ranges::none_of(status_, [](StepStatus status) {
        return status == StepStatus::waiting || status == StepStatus::running;
    });
}

}  // namespace drover::plan
