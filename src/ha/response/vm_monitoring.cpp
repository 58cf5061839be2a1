#include "ha/response/vm_monitoring.hpp"

namespace drover::ha {

MonitoringStep VmMonitor::decide(const GuestSigns& signs, const VmMonitoringSettings& settings,
                                 Time now) {
    // A guest that has no agent can't lose it.
    const bool had_agent = signs.heartbeat != kNever && signs.heartbeat >= signs.started;
    if (!settings.enabled || !had_agent || now - signs.started < settings.minimum_uptime) {
        return MonitoringStep::none;
    }
    const bool answers = now - signs.heartbeat < settings.failure_interval;
    const bool works =
        signs.input_output != kNever && now - signs.input_output < settings.io_interval;
    if (answers || works) return MonitoringStep::none;
    const bool has_window = settings.maximum_failure_window >= Duration::zero();
    while (has_window && !resets_.empty() &&
           now - resets_.front() > settings.maximum_failure_window) {
        resets_.pop_front();
    }
    if (resets_.size() >= settings.maximum_failures) return MonitoringStep::given_up;
    resets_.push_back(now);
    return MonitoringStep::reset;
}

}  // namespace drover::ha
