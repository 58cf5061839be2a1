#pragma once

// What machines take of their pools, added up; and whether a pool has room for more.

#include <cstdint>
#include <string>

#include "service/pools/pool_tree.hpp"
#include "vim/types.hpp"

namespace drover::center {

struct TreeState;

/// Of one machine, or of all machines of a pool. Memory in MB.
struct PoolShare {
    std::int64_t machines = 0;
    std::int64_t running = 0;
    std::int64_t cpu_mhz = 0;
    std::int64_t cpu_demand_mhz = 0;
    std::int64_t guest_mb = 0;
    std::int64_t host_mb = 0;
    std::int64_t private_mb = 0;
    std::int64_t shared_mb = 0;
    std::int64_t swapped_mb = 0;
    std::int64_t ballooned_mb = 0;
    std::int64_t overhead_mb = 0;
    std::int64_t configured_mb = 0;
    std::int64_t reserved_mhz = 0;  ///< by machines that run
    std::int64_t reserved_mb = 0;

    void add(const PoolShare& other, std::int64_t sign = 1);
    friend bool operator==(const PoolShare&, const PoolShare&) = default;
};

/// What a machine takes, by its summary; nothing if that is unset or a template's.
PoolShare share_of(const vim::VirtualMachineSummary& summary);

enum class PoolResource { cpu, memory };

/// The pools of one compute resource and what their machines reserve, in MHz or MB.
service::PoolTree pool_tree(const TreeState& state, const vim::MoRef& compute_resource,
                            PoolResource resource);

/// InsufficientCpuResourcesFault or InsufficientMemoryResourcesFault if a pool can't reserve so
/// much more.
void require_room(const TreeState& state, const vim::MoRef& pool, std::int64_t cpu_mhz,
                  std::int64_t memory_mb);

}  // namespace drover::center
