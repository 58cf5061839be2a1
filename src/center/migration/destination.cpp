#include "center/migration/destination.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::Value;

namespace {

const Value& property_of(const MigrationParts& parts, const MoRef& object,
                         model::PropertyIndex property) {
    return parts.context.inventory.get(object).property(property);
}

bool takes_machines(const MigrationParts& parts, const Host& host) {
    if (!host.link || host.link->state() != LinkState::connected) return false;
    const vim::HostRuntimeInfo runtime(
        property_of(parts, host.ref, vim::property::HostSystem::runtime));
    return !runtime || !runtime.inMaintenanceMode();
}

std::int64_t free_memory_bytes(const MigrationParts& parts, const Host& host) {
    const vim::HostListSummary summary(
        property_of(parts, host.ref, vim::property::HostSystem::summary));
    if (!summary || !summary.hardware()) return 0;
    const std::int64_t used_mb =
        summary.quickStats() ? summary.quickStats().overallMemoryUsage().value_or(0) : 0;
    return summary.hardware().memorySize() - (used_mb << 20);
}

std::vector<MoRef> datastores_of(const MigrationParts& parts, const MoRef& machine) {
    std::vector<MoRef> found;
    const Value& all = property_of(parts, machine, vim::property::VirtualMachine::datastore);
    for (const Value& each : all ? all.elements() : std::span<const Value>{}) {
        found.push_back(each.as_moref());
    }
    return found;
}

std::vector<Host*> hosts_with(const MigrationParts& parts, const std::vector<MoRef>& datastores,
                              const MoRef& compute_resource, const MoRef& except) {
    std::vector<std::pair<std::int64_t, Host*>> found;
    parts.hosts.for_each([&](Host& host) {
        if (host.ref == except || host.compute_resource != compute_resource) return;
        if (!takes_machines(parts, host)) return;
        if (!std::ranges::all_of(datastores, [&](const MoRef& each) {
                return parts.mirror.host_ref_of(host, each).has_value();
            })) {
            return;
        }
        found.emplace_back(free_memory_bytes(parts, host), &host);
    });
    std::ranges::sort(found, [](const auto& left, const auto& right) {
        return left.first != right.first ? left.first > right.first
                                         : left.second->ref.id < right.second->ref.id;
    });
    std::vector<Host*> hosts;
    for (const auto& [free_bytes, host] : found) hosts.push_back(host);
    return hosts;
}

MoRef pool_of(const MigrationParts& parts, const MoRef& machine) {
    const Value& pool = property_of(parts, machine, vim::property::VirtualMachine::resourcePool);
    return pool ? pool.as_moref() : MoRef{};
}

void choose_host(const MigrationParts& parts, const MoRef& machine, Destination& wish) {
    const MoRef present = host_of(parts, machine);
    const Host* host = parts.hosts.find(present);
    const MoRef resource = wish.pool ? parts.context.tree.owner_of_pool(wish.pool)
                           : host    ? host->compute_resource
                                     : MoRef{};
    const auto needed =
        wish.datastore ? std::vector<MoRef>{wish.datastore} : datastores_of(parts, machine);
    const bool may_stay = host != nullptr && host->compute_resource == resource &&
                          std::ranges::all_of(needed, [&](const MoRef& each) {
                              return parts.mirror.host_ref_of(*host, each).has_value();
                          });
    if (may_stay) {
        wish.host = present;
        return;
    }
    const auto fitting = hosts_with(parts, needed, resource, {});
    if (fitting.empty()) {
        throw vim::make_fault<vim::InvalidState>(
            "No connected host out of maintenance reaches the datastores of the machine.");
    }
    wish.host = fitting.front()->ref;
}

}  // namespace

MoRef host_of(const MigrationParts& parts, const MoRef& machine) {
    const vim::VirtualMachineRuntimeInfo runtime(
        property_of(parts, machine, vim::property::VirtualMachine::runtime));
    return runtime && runtime.host() ? *runtime.host() : MoRef{};
}

Destination complete(const MigrationParts& parts, const MoRef& machine, Destination wish) {
    if (!wish.host) choose_host(parts, machine, wish);
    const Host* host = parts.hosts.find(wish.host);
    if (host == nullptr) throw vim::object_not_found(wish.host);
    if (wish.pool && parts.context.tree.owner_of_pool(wish.pool) != host->compute_resource) {
        throw vim::invalid_argument(
            "pool", fmt::format("The resource pool does not belong to the compute resource of the "
                                "host '{}'.",
                                host->name));
    }
    const MoRef present_pool = pool_of(parts, machine);
    if (!wish.pool && present_pool &&
        parts.context.tree.owner_of_pool(present_pool) != host->compute_resource) {
        wish.pool = parts.context.tree.root_pool_of(host->compute_resource);
    }
    const MoRef datacenter = parts.context.tree.datacenter_of(host->compute_resource);
    if (!wish.folder && parts.context.tree.datacenter_of(machine) != datacenter) {
        wish.folder = parts.context.tree.vm_folder_of(datacenter);
    }
    if (wish.folder && parts.context.tree.datacenter_of(wish.folder) != datacenter) {
        throw vim::invalid_argument("folder",
                                    "The folder and the host are of different datacenters.");
    }
    return wish;
}

std::vector<Host*> candidates(const MigrationParts& parts, const MoRef& machine,
                              const MoRef& compute_resource, const MoRef& except) {
    return hosts_with(parts, datastores_of(parts, machine), compute_resource, except);
}

}  // namespace drover::center
