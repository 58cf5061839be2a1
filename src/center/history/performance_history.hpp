#pragma once

#include <functional>
#include <memory>
#include <string>

#include "center/forwarding/forwarding.hpp"
#include "center/history/archive.hpp"
#include "center/hosts/hosts.hpp"
#include "center/mirror/mirror.hpp"

namespace drover::center {

/// The figures of the past: pulled from the hosts each minute, rolled up, served by QueryPerf and
/// its relatives for the intervals of PerformanceManager.historicalInterval. The hosts' own
/// 20-second figures are asked of the hosts. Belongs to the strand.
class PerformanceHistory {
public:
    PerformanceHistory(CenterContext& context, Hosts& hosts, Mirror& mirror,
                       Forwarding& forwarding);
    ~PerformanceHistory();
    PerformanceHistory(const PerformanceHistory&) = delete;
    PerformanceHistory& operator=(const PerformanceHistory&) = delete;

    /// Opens what is stored and begins to pull.
    task::Awaitable<void> start();
    /// What a machine sent and received since the last pull, on average. Before start().
    using OnNetwork = std::function<void(const std::string& machine, double bytes_per_s)>;
    void on_network(OnNetwork callback);
    /// What the center has counted now of a cluster or machine: counters of own_counters.hpp.
    void add_own(const vim::MoRef& entity, std::vector<Measured> values);
    /// Before Forwarding::serve(), which serves the rest.
    void serve();

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace drover::center
