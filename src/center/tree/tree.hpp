#pragma once

// What stands above hosts and machines: folders, datacenters, clusters, stand-alone compute
// resources and resource pools. Stored; the inventory's objects follow what was stored.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "center/context.hpp"
#include "model/inventory.hpp"

namespace drover::center {

/// Belongs to the strand.
class Tree {
public:
    explicit Tree(const CenterBasics& context);
    ~Tree();
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    /// Reads what is stored (or makes the root folder), publishes it and serves its methods. Once.
    task::Awaitable<void> start();

    /// A stand-alone ComputeResource with its root pool "Resources", in a host folder. `reference`
    /// (from Numbers::next(ComputeResource)) lets a saga know it before; then it may be there
    /// already. DuplicateName if the folder has such a child, InvalidFolder / NotSupported if it
    /// can't hold one.
    task::Awaitable<vim::MoRef> add_compute_resource(vim::MoRef host_folder, std::string name,
                                                     vim::MoRef reference = {});
    /// With its pools. Its hosts are gone and so are their machines. No effect if it is not there.
    task::Awaitable<void> remove_compute_resource(vim::MoRef resource);

    /// Throws DuplicateName if a child of the entity (a folder) has this name.
    void require_free_name(const vim::MoRef& parent, std::string_view name) const;
    /// Throws NotSupported if the folder takes no children of this type.
    void require_takes(const vim::MoRef& folder, vim::TypeId child) const;

    vim::MoRef root_pool_of(const vim::MoRef& compute_resource) const;
    /// The ComputeResource or cluster that a pool belongs to.
    vim::MoRef owner_of_pool(const vim::MoRef& pool) const;
    /// Unset if no datacenter is above it. A datacenter is its own.
    vim::MoRef datacenter_of(const vim::MoRef& entity) const;
    std::vector<vim::MoRef> datacenters() const;
    vim::MoRef vm_folder_of(const vim::MoRef& datacenter) const;
    vim::MoRef host_folder_of(const vim::MoRef& datacenter) const;
    vim::MoRef datastore_folder_of(const vim::MoRef& datacenter) const;
    vim::MoRef network_folder_of(const vim::MoRef& datacenter) const;

    // Mirrored children. These change the published lists of what is above, and the child's own
    // `parent` (and `resourcePool`, `owner`) where the child exists in the transaction; the owner
    // of the child stores where it is. Repeating one is no change. All within the caller's
    // transaction.
    void attach_host(model::Transaction& transaction, const vim::MoRef& compute_resource,
                     const vim::MoRef& host);
    void detach_host(model::Transaction& transaction, const vim::MoRef& compute_resource,
                     const vim::MoRef& host);
    /// An empty `pool` is none: a template's.
    void attach_machine(model::Transaction& transaction, const vim::MoRef& folder,
                        const vim::MoRef& pool, const vim::MoRef& machine);
    void detach_machine(model::Transaction& transaction, const vim::MoRef& folder,
                        const vim::MoRef& pool, const vim::MoRef& machine);
    /// From where it is published now.
    void move_machine(model::Transaction& transaction, const vim::MoRef& machine,
                      const vim::MoRef& to_folder, const vim::MoRef& to_pool);
    /// Into the datacenter's list, and its datastore folder unless `parent` says a folder there.
    void attach_datastore(model::Transaction& transaction, const vim::MoRef& datacenter,
                          const vim::MoRef& datastore);
    void detach_datastore(model::Transaction& transaction, const vim::MoRef& datacenter,
                          const vim::MoRef& datastore);
    void attach_network(model::Transaction& transaction, const vim::MoRef& datacenter,
                        const vim::MoRef& network);
    void detach_network(model::Transaction& transaction, const vim::MoRef& datacenter,
                        const vim::MoRef& network);

    /// Neutral values of what every managed entity has (name, parent, status, ...), for those of
    /// its properties that are unset in the transaction.
    static void set_entity_basics(model::Transaction& transaction, const vim::MoRef& entity,
                                  std::string_view name, const vim::MoRef& parent);

    // How the owners of mirrored children take part in what happens above them.

    /// Removes a HostSystem or VirtualMachine for good, as its Destroy_Task does, while what holds
    /// it is destroyed.
    using Remove = std::function<task::Awaitable<void>(vim::MoRef child, std::string user)>;
    void on_destroy(vim::TypeId child, Remove remove);
    /// Takes a VirtualMachine out of the inventory; its files stay.
    void on_unregister(vim::TypeId child, Remove unregister);
    /// Moves a VirtualMachine into a folder or a pool, a HostSystem into a host folder, a Datastore
    /// or Network into a folder, and stores that.
    using Move =
        std::function<task::Awaitable<void>(vim::MoRef child, vim::MoRef to, std::string user)>;
    void on_move(vim::TypeId child, Move move);

private:
    void attach_to_datacenter(model::Transaction& transaction, const vim::MoRef& datacenter,
                              const vim::MoRef& child, const vim::MoRef& folder,
                              model::PropertyIndex list);
    void detach_from_datacenter(model::Transaction& transaction, const vim::MoRef& datacenter,
                                const vim::MoRef& child, const vim::MoRef& folder,
                                model::PropertyIndex list);

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace drover::center
