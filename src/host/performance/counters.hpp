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
    memory_usage,
    memory_granted,
    memory_active,
    memory_shared,
    memory_ballooned,
    memory_consumed,
    memory_overhead,
    disk_usage,
    disk_reads,
    disk_writes,
    disk_read,
    disk_write,
    net_usage,
    net_packets_received,
    net_packets_sent,
    net_received,
    net_sent,
    uptime,
    virtual_disk_reads_per_second,
    virtual_disk_writes_per_second,
    virtual_disk_read,
    virtual_disk_write,
    virtual_disk_read_latency,
    virtual_disk_write_latency,
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
