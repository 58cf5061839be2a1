#pragma once

// The performance counters that we keep, with the numbers and names that vSphere gives them. A
// counter that we could only guess is not in the table.

#include <cstdint>
#include <span>
#include <string_view>

#include "vim/types.hpp"

namespace drover::host {

enum class Counter : std::uint8_t {
    cpu_usage,
    cpu_usage_mhz,
    cpu_wait,
    cpu_ready,
    cpu_idle,
    cpu_used,
    cpu_utilization,
    cpu_capacity,
    cpu_demand,
    cpu_run,
    cpu_readiness,
    memory_usage,
    memory_granted,
    memory_active,
    memory_shared,
    memory_ballooned,
    memory_consumed,
    memory_overhead,
    memory_shared_common,
    memory_swap_used,
    memory_swapped,
    memory_capacity,
    disk_usage,
    disk_reads,
    disk_writes,
    disk_read,
    disk_write,
    disk_max_latency,
    disk_reads_per_second,
    disk_writes_per_second,
    disk_commands,
    net_usage,
    net_packets_received,
    net_packets_sent,
    net_received,
    net_sent,
    net_dropped_received,
    net_dropped_sent,
    net_bytes_received,
    net_bytes_sent,
    net_errors_received,
    net_errors_sent,
    uptime,
    virtual_disk_reads_per_second,
    virtual_disk_writes_per_second,
    virtual_disk_read,
    virtual_disk_write,
    virtual_disk_read_latency,
    virtual_disk_write_latency,
    virtual_disk_read_latency_us,
    virtual_disk_write_latency_us,
    datastore_reads_per_second,
    datastore_writes_per_second,
    datastore_read,
    datastore_write,
    datastore_read_latency,
    datastore_write_latency,
    datastore_max_latency,
};

struct CounterDefinition {
    Counter counter;
    std::int32_t id;
    std::string_view group;
    std::string_view name;
    vim::PerfSummaryType rollup;
    vim::PerfStatsType kind;
    vim::PerformanceManagerUnit unit;
    std::int32_t level;
    std::int32_t device_level;
    std::string_view label;
    std::string_view summary;
};

/// In the order of their ids.
std::span<const CounterDefinition> all_counters();

const CounterDefinition& definition_of(Counter counter);

/// By the id of the interface; nullptr if we keep none of this id.
const CounterDefinition* find_counter(std::int32_t id);

/// As PerformanceManager.perfCounter shows it.
vim::PerfCounterInfo counter_info(const CounterDefinition& definition);

}  // namespace drover::host
