#pragma once

// What was measured: the demand of machines over the last samples, and how migrations went.

#include <deque>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "plan/cpu/evc_mode.hpp"
#include "plan/drs/forecast.hpp"
#include "plan/drs/migration_cost.hpp"
#include "vim/types.hpp"

namespace drover::center {

/// A migration that was done.
struct MigrationRecord {
    double seconds = 0;
    double bytes = 0;
    double memory_bytes = 0;
    double downtime_s = 0;
};

/// Belongs to the strand.
class Figures {
public:
    struct Demand {
        double cpu_mhz = 0;
        double memory_bytes = 0;
        double network_bytes_per_s = 0;
        std::size_t samples = 0;
    };

    /// New figures of a machine that runs, if `summary` has any that were not taken yet. `core_mhz`
    /// is that of its host.
    void sample(const std::string& machine, const vim::VirtualMachineSummary& summary,
                double core_mhz, base::SteadyTime now);
    /// What a machine sends and receives: once a minute.
    void sample_network(const std::string& machine, double bytes_per_s);
    /// What the host takes for itself, beside its machines.
    void sample_host(const std::string& host, double own_cpu_mhz, double own_memory_bytes);

    Demand demand_of(const std::string& machine) const;
    double own_cpu_mhz(const std::string& host) const;
    double own_memory_bytes(const std::string& host) const;

    /// A migration between hosts has ended well.
    void moved(const std::string& machine, const MigrationRecord& record, base::SteadyTime now);
    /// DRS has moved a machine, which counts against moving it again soon.
    void moved_by_drs(const std::string& machine, base::SteadyTime now);
    std::uint32_t moves_last_hour(const std::string& machine, base::SteadyTime now) const;
    double dirty_bytes_per_s(const std::string& machine) const;
    /// From what migrations have shown; what a new cluster can expect before there was any.
    const plan::MigrationModel& model() const { return model_; }
    std::size_t migrations_measured() const { return measured_; }

    /// What a machine has seen of its CPU, read once for each value.
    const plan::Cpu& seen_cpu(const std::string& machine, const vim::Value& list);

    /// Forgets machines that were not seen for a while.
    void expire(base::SteadyTime now);

private:
    struct Machine {
        plan::DemandForecast cpu{5};
        plan::DemandForecast memory{5};
        plan::DemandForecast network{3};
        std::size_t samples = 0;
        vim::Value last;  // the figures that were taken last
        base::SteadyTime taken{};
        base::SteadyTime not_before{};
        std::deque<base::SteadyTime> moves;
        double dirty_bytes_per_s = 0;
        vim::Value requirement;
        plan::Cpu seen;
    };
    struct HostOwn {
        plan::DemandForecast cpu{5, 0};
        plan::DemandForecast memory{5, 0};
    };
    std::map<std::string, Machine> machines_;
    std::map<std::string, HostOwn> hosts_;
    plan::MigrationModel model_;
    std::size_t measured_ = 0;
};

}  // namespace drover::center
