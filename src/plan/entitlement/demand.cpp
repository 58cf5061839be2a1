#include "plan/entitlement/demand.hpp"

#include <algorithm>

namespace drover::plan {

namespace {
constexpr double kIdlePart = 0.25;
}

double cpu_demand_mhz(const CpuUse& use) {
    const double all_ms = use.interval_ms * use.vcpus;
    if (all_ms <= 0) return use.used_mhz;
    const double run_ms = std::clamp(use.run_ms, 0.0, all_ms);
    const double ready_ms = std::clamp(use.ready_ms, 0.0, all_ms - run_ms);
    const double sleep_ms = all_ms - run_ms - ready_ms;
    const double awake = run_ms + sleep_ms > 0 ? run_ms / (run_ms + sleep_ms) : 1;
    const double waited_mhz = ready_ms / use.interval_ms * use.core_mhz * awake;
    return std::min(use.used_mhz + waited_mhz, std::max(use.used_mhz, use.vcpus * use.core_mhz));
}

double memory_demand_bytes(double active_bytes, double consumed_bytes) {
    return active_bytes + kIdlePart * std::max(0.0, consumed_bytes - active_bytes);
}

}  // namespace drover::plan
