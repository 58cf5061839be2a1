#pragma once

// One resource pool as the host keeps it, its stored form, and what a ResourceConfigSpec asks of
// it. Pure.

#include <string>

#include "base/clock.hpp"
#include "service/pools/pool_tree.hpp"
#include "store/store.hpp"
#include "vim/fault.hpp"

namespace drover::service {

struct ResourcePool {
    vim::MoRef ref;
    std::string name;
    vim::MoRef parent;                   ///< unset for the root pool
    vim::ResourceAllocationInfo cpu;     ///< MHz
    vim::ResourceAllocationInfo memory;  ///< MB
    std::uint64_t version = 1;
    base::WallTime modified{};

    bool is_root() const { return !parent; }
    /// As ResourcePool.config shows it.
    vim::ResourceConfigSpec config() const;
};

inline constexpr std::string_view kPoolRecordKind = "pool";

store::Record record_of(const ResourcePool& pool);
/// Throws std::exception if the record is damaged.
ResourcePool pool_from_record(const store::Record& record);

Allocation allocation_of(const vim::ResourceAllocationInfo& info);

/// Works a spec into a pool. What the spec leaves open stays, unless `complete` demands all of it
/// (a new pool). Throws InvalidArgument that names the property below `path`, ConcurrentAccess.
void apply_spec(ResourcePool& pool, const vim::ResourceConfigSpec& spec, std::string_view path,
                bool complete);

}  // namespace drover::service
