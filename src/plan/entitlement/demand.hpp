#pragma once

// What a machine would use if nobody were in its way, from what was measured.

namespace drover::plan {

/// Over one interval; times are sums over all virtual CPUs.
struct CpuUse {
    double used_mhz = 0;
    double run_ms = 0;
    double ready_ms = 0;  ///< wanted to run and had to wait
    double interval_ms = 0;
    double vcpus = 1;
    double core_mhz = 0;
};

/// What was used, and of the time it waited the part in which it would have run: it runs when it is
/// not asleep, so run / (run + sleep) of it. At most all virtual CPUs.
double cpu_demand_mhz(const CpuUse& use);

/// What is active, and a quarter of what is consumed besides: idle memory is wanted again some day.
double memory_demand_bytes(double active_bytes, double consumed_bytes);

}  // namespace drover::plan
