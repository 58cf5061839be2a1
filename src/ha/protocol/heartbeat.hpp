#pragma once

#include <memory>
#include <vector>

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// How far a machine is on the host that owns it.
enum class Phase { starting, running, ready, paused, failed };

struct MachineReport {
    MachineId machine{};
    Phase phase = Phase::starting;
    std::uint32_t failures = 0;  ///< starts in a row that failed on this host
};

/// What a host tells about itself. It orders and places restarts; safety never depends on it.
struct Report {
    bool takes_machines = true;  ///< hostd is up, no maintenance
    std::vector<MachineReport> machines{};
};
using ReportPtr = std::shared_ptr<const Report>;

/// A heartbeat in etcd: one transaction {if the stored epoch is not newer, put mine; read all}.
struct Beat {
    Tenure who{};
    std::uint64_t sequence = 0;
    ReportPtr report{};
};

/// A heartbeat on the datastore: one file for each host and epoch; to create it is to join.
struct Slot {
    Tenure who{};
    std::uint64_t sequence = 0;
    Duration promise{};    ///< after so long a silence others may take over
    EtcdId etcd = 0;       ///< where the writer beats
    bool etcd_ok = false;  ///< the writer reached etcd of late
    bool readable = true;  ///< false: unknown, which is never silent
    ReportPtr report{};
};

}  // namespace drover::ha
