#include "center/forwarding/placement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::Value;

namespace {

MoRef find_datastore(const model::Inventory& inventory, const MoRef& datacenter,
                     std::string_view name) {
    const Value& all = inventory.get(datacenter).property(vim::property::Datacenter::datastore);
    for (const Value& each : all ? all.elements() : std::span<const Value>{}) {
        const model::ManagedObject* object = inventory.find(each.moref_id());
        if (object == nullptr) continue;
        const Value& its_name = object->property(vim::property::ManagedEntity::name);
        if (its_name && its_name.as_string() == name) return object->ref();
    }
    auto fault = vim::InvalidDatastore::make();
    fault.set_name(name);
    throw vim::Fault(fault, fmt::format("There is no datastore '{}'.", name));
}

bool has_all(Forwarding::Impl& impl, const Host& host, const std::vector<MoRef>& datastores) {
    return std::ranges::all_of(datastores, [&](const MoRef& each) {
        return impl.mirror.host_ref_of(host, each).has_value();
    });
}

bool is_connected(const Host& host) {
    return host.link && host.link->state() == LinkState::connected;
}

bool takes_machines(const model::Inventory& inventory, const Host& host) {
    const model::ManagedObject* object = inventory.find(host.ref);
    if (object == nullptr) return false;
    const vim::HostRuntimeInfo runtime(object->property(vim::property::HostSystem::runtime));
    return !runtime || !runtime.inMaintenanceMode();
}

std::int64_t free_memory_bytes(const model::Inventory& inventory, const Host& host) {
    const model::ManagedObject* object = inventory.find(host.ref);
    if (object == nullptr) return 0;
    const vim::HostListSummary summary(object->property(vim::property::HostSystem::summary));
    if (!summary || !summary.hardware()) return 0;
    const std::int64_t used_mb =
        summary.quickStats() ? summary.quickStats().overallMemoryUsage().value_or(0) : 0;
    return summary.hardware().memorySize() - (used_mb << 20);
}

std::vector<MoRef> find_all(Forwarding::Impl& impl, const MoRef& datacenter,
                            const std::vector<std::string>& names) {
    std::vector<MoRef> found;
    for (const auto& name : names) {
        found.push_back(find_datastore(impl.context.inventory, datacenter, name));
    }
    return found;
}

}  // namespace

std::string_view datastore_name(std::string_view path) {
    const auto end = path.find(']');
    if (!path.starts_with('[') || end == std::string_view::npos) return {};
    return path.substr(1, end - 1);
}

Host& choose_host(Forwarding::Impl& impl, const MoRef& compute_resource, const MoRef& wanted,
                  const std::vector<std::string>& datastores) {
    const auto needed =
        find_all(impl, impl.context.tree.datacenter_of(compute_resource), datastores);
    if (wanted) {
        Host* host = impl.hosts.find(wanted);
        if (host == nullptr) throw vim::object_not_found(wanted);
        if (host->compute_resource != compute_resource) {
            throw vim::invalid_argument(
                "host", fmt::format("The host '{}' does not belong to the resource pool's compute "
                                    "resource.",
                                    host->name));
        }
        Forwarding::require_connected(*host);
        return *host;
    }
    Host* best = nullptr;
    std::int64_t most_free = 0;
    bool any = false;
    impl.hosts.for_each([&](Host& host) {
        if (host.compute_resource != compute_resource || !is_connected(host)) return;
        any = true;
        if (!takes_machines(impl.context.inventory, host) || !has_all(impl, host, needed)) return;
        const std::int64_t free_bytes = free_memory_bytes(impl.context.inventory, host);
        if (best != nullptr && free_bytes <= most_free) return;
        best = &host;
        most_free = free_bytes;
    });
    if (best != nullptr) return *best;
    if (!any) throw vim::make_fault<vim::HostNotConnected>("No host of it is connected.");
    throw vim::make_fault<vim::InvalidState>(
        "No connected host out of maintenance reaches the datastores of the machine.");
}

Host& choose_host_for_files(Forwarding::Impl& impl, const MoRef& datacenter,
                            const std::vector<std::string>& datastores) {
    const auto needed = find_all(impl, datacenter, datastores);
    if (!needed.empty()) {
        for (Host* host : impl.mirror.hosts_of(needed.front())) {
            if (is_connected(*host) && has_all(impl, *host, needed)) return *host;
        }
    }
    throw vim::make_fault<vim::HostNotConnected>(
        "No connected host reaches all the datastores that are named.");
}

}  // namespace drover::center
