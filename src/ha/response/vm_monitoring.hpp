#pragma once

#include <deque>

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// vSphere's VM monitoring: a guest that neither answers nor does I/O is reset, a few times.
struct VmMonitoringSettings {
    bool enabled = false;
    Duration failure_interval = std::chrono::seconds{30};  ///< without a heartbeat
    Duration minimum_uptime = std::chrono::seconds{120};   ///< guests need time to boot
    Duration io_interval = std::chrono::seconds{120};      ///< I/O so recent is a sign of life
    std::uint32_t maximum_failures = 3;
    /// In which the failures are counted; negative: for ever.
    Duration maximum_failure_window = std::chrono::hours{1};
};

struct GuestSigns {
    Time started{};           ///< power-on or the last reset
    Time heartbeat = kNever;  ///< of the guest agent; kNever: it never answered since the start
    Time input_output = kNever;
};

enum class MonitoringStep {
    none,
    reset,     ///< keep a screenshot first
    given_up,  ///< it failed too often; a person is told
};

/// Of one machine. One thread.
class VmMonitor {
public:
    MonitoringStep decide(const GuestSigns& signs, const VmMonitoringSettings& settings, Time now);

private:
    std::deque<Time> resets_;
};

}  // namespace drover::ha
