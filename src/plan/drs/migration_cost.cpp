#include "plan/drs/migration_cost.hpp"

#include <algorithm>

namespace drover::plan {

MigrationEstimate estimate_migration(const Machine& machine, const MigrationModel& model) {
    MigrationEstimate estimate;
    const double bandwidth = std::max(1.0, model.bandwidth_bytes_per_s);
    const double ratio = machine.dirty_bytes_per_s / bandwidth;
    double left = machine.memory_configured_bytes + machine.memory_overhead_bytes;
    constexpr int kRounds = 30;
    for (int round = 0; round < kRounds && left > model.last_round_bytes; ++round) {
        estimate.bytes += left;
        estimate.duration_s += left / bandwidth;
        left = std::min(left * ratio, machine.memory_configured_bytes);
        if (ratio >= 1 || estimate.duration_s > model.longest_s) break;
    }
    estimate.bytes += left;
    estimate.downtime_s = left / bandwidth;
    estimate.duration_s =
        std::min(model.longest_s, estimate.duration_s + estimate.downtime_s + model.setup_s);
    estimate.mhz_s =
        estimate.duration_s * (model.cpu_mhz + model.slowdown * machine.cpu_demand_mhz) +
        estimate.downtime_s * machine.cpu_demand_mhz;
    return estimate;
}

}  // namespace drover::plan
