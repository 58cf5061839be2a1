#pragma once

#include "service/audit/audit_log.hpp"
#include "task/tasks.hpp"

namespace drover::service {

/// Tells the audit log how tasks end; between Tasks and whoever else observes them. Belongs to the
/// strand; both arguments must outlive it.
class AuditedTasks final : public task::TaskObserver {
public:
    AuditedTasks(AuditLog& audit, task::TaskObserver& next) : audit_(audit), next_(next) {}

    std::int32_t task_started(const vim::TaskInfo& info, const vim::Value& request) override {
        return next_.task_started(info, request);
    }
    void task_changed(const vim::TaskInfo& info) override {
        next_.task_changed(info);
        const auto state = info.state();
        if (state == vim::TaskInfoState::success || state == vim::TaskInfoState::error) {
            audit_.task_ended(info);
        }
    }

private:
    AuditLog& audit_;
    task::TaskObserver& next_;
};

}  // namespace drover::service
