#pragma once

// The counters that alarms can watch, read from what hosts tell of their machines, themselves and
// their datastores every 20 seconds.

#include "center/alarms/condition.hpp"
#include "model/inventory.hpp"

namespace drover::center {

// As PerformanceManager numbers them.
namespace counter {
inline constexpr std::int32_t cpu_usage = 2;         ///< hundredths of a percent
inline constexpr std::int32_t cpu_usage_mhz = 6;     ///< MHz
inline constexpr std::int32_t memory_usage = 24;     ///< hundredths of a percent
inline constexpr std::int32_t memory_active = 33;    ///< KB
inline constexpr std::int32_t memory_swapped = 70;   ///< KB
inline constexpr std::int32_t memory_balloon = 90;   ///< KB
inline constexpr std::int32_t memory_consumed = 98;  ///< KB
/// Of a datastore: hundredths of a percent of its capacity, as vCenter's alarms count it.
inline constexpr std::int32_t disk_used = 281;
inline constexpr std::int32_t cpu_readiness = 404;  ///< hundredths of a percent
}  // namespace counter

/// Whether entities of this type have the counter.
bool has_figure(vim::TypeId type, std::int32_t counter);

/// What it is now.
Figure figure_of(const model::ManagedObject& entity, std::int32_t counter);

/// The properties in which figures of a type stand.
std::vector<model::PropertyIndex> figure_properties(vim::TypeId type);

}  // namespace drover::center
