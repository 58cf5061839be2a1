#pragma once

#include "plan/model/snapshot.hpp"

namespace drover::plan {

/// How this cluster migrates; from measurements where there are any.
struct MigrationModel {
    double bandwidth_bytes_per_s = 1e9;
    double setup_s = 1;
    /// Dirty pages are sent again until so much is left; then the machine stands still.
    double last_round_bytes = 64.0 * 1024 * 1024;
    double cpu_mhz = 1500;    ///< what copying takes, on both hosts together
    double slowdown = 0.1;    ///< part of the machine's own work that is lost meanwhile
    double longest_s = 3600;  ///< a machine that rewrites its memory as fast as it is sent
};

struct MigrationEstimate {
    double duration_s = 0;
    double downtime_s = 0;
    double bytes = 0;
    /// CPU taken from the hosts and work lost by the machine, in MHz times seconds.
    double mhz_s = 0;
};

/// Pre-copy sends the memory in use, then what was written meanwhile, and so on: a geometric series
/// in dirty rate / bandwidth.
MigrationEstimate estimate_migration(const Machine& machine, const MigrationModel& model);

}  // namespace drover::plan
