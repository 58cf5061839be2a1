#pragma once

// The tree of resource pools of this host. Pools are kept in the store, and which machine is in
// which in the machines' records. What they ask for reaches running machines as weights and limits
// of their CPU time and as a balloon: see pool_tree.hpp.

#include <map>
#include <set>
#include <span>

#include "host/machines/machines.hpp"
#include "host/options/options.hpp"
#include "host/performance/usage.hpp"
#include "service/pools/machine_parts.hpp"
#include "service/pools/resource_pool.hpp"

namespace drover::host {

using service::allocation_of;
using service::apply_spec;
using service::kPoolRecordKind;
using service::pool_from_record;
using service::PoolNode;
using service::PoolTree;
using service::PoolUse;
using service::record_of;
using service::ResourcePool;

/// Belongs to the strand.
class ResourcePools {
public:
    static constexpr std::size_t kMostPools = 1'000;
    static constexpr std::size_t kMostLevels = 8;

    /// Changes shares, limit and reservation of a machine (UpdateChildResourceConfiguration).
    using Reallocate =
        std::function<task::Awaitable<void>(MachinePtr, vim::VirtualMachineConfigSpec)>;

    ResourcePools(const HostContext& context, Machines& machines);

    /// Reads and shows what is stored. Before Machines::start().
    task::Awaitable<void> start();
    void serve(Reallocate reallocate);
    /// The option by which a center says what its own pools come to for the machines of this host.
    void define_option(Options& options);

    bool is_pool(const vim::MoRef& ref) const { return pools_.contains(ref.id); }
    /// The pool itself and all above it, the root last; of an unknown pool only the root.
    std::vector<vim::MoRef> path_of(const vim::MoRef& pool) const;

    /// Destroy_Task and Rename_Task of a pool.
    task::Awaitable<void> destroy(vim::MoRef pool);
    task::Awaitable<void> rename(vim::MoRef pool, std::string name);

    /// Refuses a power-on whose reservation can't be had: InsufficientCpuResourcesFault,
    /// InsufficientMemoryResourcesFault.
    void require_room_for(const Machine& machine) const;

    /// New figures of the machines that run: divides limits anew and shows what pools use.
    void show_usage(std::span<const MachineUsage> machines);

private:
    struct Applied {
        int run = -1;  ///< the domain's libvirt id
        hypervisor::CpuTuning tuning;
        std::uint64_t balloon_bytes = 0;
    };
    enum class Resource { cpu, memory };

    // resource_pools.cpp
    ResourcePool& get(const vim::MoRef& ref);
    const ResourcePool& get(const vim::MoRef& ref) const;
    std::vector<vim::MoRef> children_of(const vim::MoRef& pool) const;
    std::vector<MachinePtr> machines_in(const vim::MoRef& pool) const;
    PoolTree tree(Resource resource, const ResourcePool* instead = nullptr) const;
    void require_room(const ResourcePool& pool, std::int64_t cpu_mhz, std::int64_t memory_mb) const;
    void require_free_name(const vim::MoRef& parent, std::string_view name,
                           const vim::MoRef& except) const;
    task::Awaitable<void> commit(store::Batch batch);
    void show(model::Transaction& transaction, const ResourcePool& pool);
    void show_use(model::Transaction& transaction);
    void show_all();

    // pool_methods.cpp
    task::Awaitable<vim::Value> create(task::Call call);
    task::Awaitable<void> update(vim::MoRef ref, std::optional<std::string> name,
                                 vim::ResourceConfigSpec config, std::string path);
    task::Awaitable<void> move_into(vim::MoRef target, std::vector<vim::MoRef> list);
    task::Awaitable<void> dissolve(std::vector<vim::MoRef> pools, vim::MoRef heir, bool below);
    task::Awaitable<void> update_children(task::Call call);
    void check_move(const ResourcePool& target, const vim::MoRef& ref, std::size_t index) const;

    // pool_apply.cpp
    void watch();
    task::Awaitable<void> apply_soon();
    task::Awaitable<void> apply();
    task::Awaitable<void> apply_to(MachinePtr machine, Applied wanted);

    const HostContext& context_;
    Machines& machines_;
    Reallocate reallocate_;
    std::map<std::string, ResourcePool> pools_;  // by id
    std::uint64_t next_id_ = 1;
    std::map<std::string, MachineFigures> usage_;  // of running machines
    std::map<std::string, Applied> applied_;
    service::MachineParts center_parts_;  // by id; of the center's pools
    std::set<std::string> refused_;       // machines whose engine takes no limits; told once
    model::Subscription subscription_;
    bool apply_pending_ = false;
};

}  // namespace drover::host
