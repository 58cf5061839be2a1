#pragma once

// Which step of a migration plan may start now. Pure: the caller starts, waits and tells; this only
// keeps the books. One thread.

#include <cstdint>
#include <vector>

#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

struct ConcurrencyLimits {
    std::uint32_t per_host = 4;  ///< migrations from or to a host
    std::uint32_t per_datastore = 8;
};

enum class StepStatus {
    waiting,
    running,
    done,
    failed,
    abandoned,  ///< will not be tried: something before it failed
};

class Execution {
public:
    Execution(const Cluster& cluster, MigrationPlan plan, const ConcurrencyLimits& limits = {});

    /// Steps that may start now, the first of them; starting one can rule out the others: ask
    /// again.
    std::vector<StepIndex> startable() const;
    void start(StepIndex step);
    void succeed(StepIndex step);
    /// The machine is where it was. Of a bundle, those that were moved get steps back.
    void fail(StepIndex step);
    /// Nothing more is started but what puts bundles back.
    void abort();

    /// Also those that put back, which are added at the end.
    const std::vector<Step>& steps() const { return steps_; }
    StepStatus status(StepIndex step) const { return status_[step]; }
    bool finished() const;

private:
    bool may_start(StepIndex step) const;
    void abandon_after(StepIndex step);
    void abandon_bundle(std::uint32_t bundle);
    void put_back(StepIndex step);
    void count(StepIndex step, int change);

    ConcurrencyLimits limits_;
    std::vector<Step> steps_;
    std::vector<StepStatus> status_;
    std::vector<std::vector<StepIndex>> followers_;
    std::vector<bool> is_return_;
    std::vector<bool> broken_bundles_;
    std::vector<std::uint32_t> on_host_;
    std::vector<std::vector<std::uint32_t>> datastores_;  // by machine that moves
    std::vector<std::uint32_t> on_datastore_;
};

}  // namespace drover::plan
