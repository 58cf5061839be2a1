// The lists of the tree in which mirrored objects stand.

#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::PropertyIndex;
using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

// What is above may have gone in this very transaction.
void add(Transaction& transaction, const MoRef& above, PropertyIndex list, const MoRef& child) {
    if (above && transaction.exists(above)) transaction.add_reference(above, list, child);
}

void remove(Transaction& transaction, const MoRef& above, PropertyIndex list, const MoRef& child) {
    if (above && transaction.exists(above)) transaction.remove_reference(above, list, child);
}

MoRef reference_in(const Transaction& transaction, const MoRef& object, PropertyIndex index) {
    if (!transaction.exists(object)) return {};
    const Value& value = transaction.get(object, index);
    return value ? value.as_moref() : MoRef{};
}

void set_reference(Transaction& transaction, const MoRef& object, PropertyIndex index,
                   const MoRef& value) {
    if (!transaction.exists(object)) return;
    transaction.set(object, index, value ? Value::moref(value) : Value{});
}

}  // namespace

void Tree::attach_host(Transaction& transaction, const MoRef& compute_resource, const MoRef& host) {
    add(transaction, compute_resource, property::ComputeResource::host, host);
    set_reference(transaction, host, property::ManagedEntity::parent, compute_resource);
}

void Tree::detach_host(Transaction& transaction, const MoRef& compute_resource, const MoRef& host) {
    remove(transaction, compute_resource, property::ComputeResource::host, host);
}

void Tree::attach_machine(Transaction& transaction, const MoRef& folder, const MoRef& pool,
                          const MoRef& machine) {
    add(transaction, folder, property::Folder::childEntity, machine);
    add(transaction, pool, property::ResourcePool::vm, machine);
    set_reference(transaction, machine, property::ManagedEntity::parent, folder);
    set_reference(transaction, machine, property::VirtualMachine::resourcePool, pool);
}

void Tree::detach_machine(Transaction& transaction, const MoRef& folder, const MoRef& pool,
                          const MoRef& machine) {
    remove(transaction, folder, property::Folder::childEntity, machine);
    remove(transaction, pool, property::ResourcePool::vm, machine);
}

void Tree::move_machine(Transaction& transaction, const MoRef& machine, const MoRef& to_folder,
                        const MoRef& to_pool) {
    const MoRef folder = reference_in(transaction, machine, property::ManagedEntity::parent);
    const MoRef pool = reference_in(transaction, machine, property::VirtualMachine::resourcePool);
    if (folder != to_folder) {
        remove(transaction, folder, property::Folder::childEntity, machine);
    }
    if (pool != to_pool) remove(transaction, pool, property::ResourcePool::vm, machine);
    attach_machine(transaction, to_folder, to_pool, machine);
}

void Tree::attach_datastore(Transaction& transaction, const MoRef& datacenter,
                            const MoRef& datastore) {
    attach_to_datacenter(transaction, datacenter, datastore, datastore_folder_of(datacenter),
                         property::Datacenter::datastore);
}

void Tree::detach_datastore(Transaction& transaction, const MoRef& datacenter,
                            const MoRef& datastore) {
    detach_from_datacenter(transaction, datacenter, datastore, datastore_folder_of(datacenter),
                           property::Datacenter::datastore);
}

void Tree::attach_network(Transaction& transaction, const MoRef& datacenter, const MoRef& network) {
    attach_to_datacenter(transaction, datacenter, network, network_folder_of(datacenter),
                         property::Datacenter::network);
}

void Tree::detach_network(Transaction& transaction, const MoRef& datacenter, const MoRef& network) {
    detach_from_datacenter(transaction, datacenter, network, network_folder_of(datacenter),
                           property::Datacenter::network);
}

// It stays in a folder that it was moved to.
void Tree::attach_to_datacenter(Transaction& transaction, const MoRef& datacenter,
                                const MoRef& child, const MoRef& folder, PropertyIndex list) {
    add(transaction, datacenter, list, child);
    const MoRef at = reference_in(transaction, child, property::ManagedEntity::parent);
    const MoRef to = at && transaction.exists(at) && datacenter_of(at) == datacenter ? at : folder;
    add(transaction, to, property::Folder::childEntity, child);
    set_reference(transaction, child, property::ManagedEntity::parent, to);
}

void Tree::detach_from_datacenter(Transaction& transaction, const MoRef& datacenter,
                                  const MoRef& child, const MoRef& folder, PropertyIndex list) {
    remove(transaction, datacenter, list, child);
    const MoRef at = reference_in(transaction, child, property::ManagedEntity::parent);
    remove(transaction, at ? at : folder, property::Folder::childEntity, child);
}

}  // namespace drover::center
