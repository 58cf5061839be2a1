#include "cli/placement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::cli {
namespace {

using client::LookupError;
using client::Properties;

const std::vector<std::string>& host_properties() {
    static const std::vector<std::string> paths{"name",
                                                "parent",
                                                "datastore",
                                                "summary.runtime.connectionState",
                                                "summary.runtime.inMaintenanceMode",
                                                "summary.hardware.memorySize",
                                                "summary.quickStats.overallMemoryUsage"};
    return paths;
}

std::int64_t free_memory(const Properties& host) {
    constexpr std::int64_t kMebibyte = 1 << 20;
    const auto used = host.integer("summary.quickStats.overallMemoryUsage").value_or(0);
    const std::int64_t bounded = std::clamp<std::int64_t>(used, 0, std::int64_t{1} << 40);
    return host.integer("summary.hardware.memorySize").value_or(0) - bounded * kMebibyte;
}

bool sees(const Properties& host, const vim::MoRef& datastore) {
    const auto all = host.references("datastore");
    return std::ranges::find(all, datastore) != all.end();
}

Properties choose_host(client::Connection& connection, const WantedPlace& wanted,
                       const std::optional<client::Named>& datastore) {
    if (!wanted.host.empty()) {
        const auto host = client::find(connection, vim::TypeId::HostSystem, wanted.host);
        return client::retrieve_object(connection, host.reference, host_properties());
    }
    auto hosts = client::retrieve(connection, vim::TypeId::HostSystem, host_properties());
    std::erase_if(hosts, [&](const Properties& host) {
        return host.text("summary.runtime.connectionState") != "connected" ||
               host.boolean("summary.runtime.inMaintenanceMode").value_or(false) ||
               (datastore && !sees(host, datastore->reference));
    });
    const auto best = std::ranges::max_element(hosts, {}, free_memory);
    if (best == hosts.end()) {
        throw LookupError(
            datastore ? fmt::format("no connected host outside of maintenance mode has the "
                                    "datastore \"{}\"",
                                    datastore->name)
                      : std::string("no host is connected and outside of maintenance mode"));
    }
    return *best;
}

client::Named choose_datastore(client::Connection& connection, const Properties& host) {
    auto all =
        client::retrieve_objects(connection, vim::TypeId::Datastore, host.references("datastore"),
                                 {"name", "summary.accessible", "summary.freeSpace"});
    std::erase_if(all, [](const Properties& datastore) {
        return !datastore.boolean("summary.accessible").value_or(false);
    });
    const auto best = std::ranges::max_element(all, {}, [](const Properties& datastore) {
        return datastore.integer("summary.freeSpace").value_or(0);
    });
    if (best == all.end()) {
        throw LookupError(
            fmt::format("the host \"{}\" has no accessible datastore", host.text("name")));
    }
    return {best->object(), best->text("name")};
}

vim::MoRef pool_of(client::Connection& connection, const Properties& host) {
    const auto parent = host.reference("parent");
    if (!parent) {
        throw LookupError(fmt::format("the host \"{}\" is in no cluster", host.text("name")));
    }
    const auto pool =
        client::retrieve_object(connection, *parent, {"resourcePool"}).reference("resourcePool");
    if (!pool) {
        throw LookupError(fmt::format("the host \"{}\" has no resource pool", host.text("name")));
    }
    return *pool;
}

}  // namespace

vim::MoRef machine_folder(client::Connection& connection, const vim::MoRef& object) {
    constexpr int kMaxDepth = 64;
    vim::MoRef at = object;
    for (int depth = 0; depth < kMaxDepth; ++depth) {
        if (vim::is_a(at.type, vim::TypeId::Datacenter)) {
            const auto folder =
                client::retrieve_object(connection, at, {"vmFolder"}).reference("vmFolder");
            if (folder) return *folder;
            break;
        }
        const auto parent = client::retrieve_object(connection, at, {"parent"}).reference("parent");
        if (!parent) break;
        at = *parent;
    }
    throw LookupError("there is no datacenter with a folder for machines");
}

Place choose_place(client::Connection& connection, const WantedPlace& wanted) {
    Place place;
    std::optional<client::Named> datastore;
    if (!wanted.datastore.empty()) {
        datastore = client::find(connection, vim::TypeId::Datastore, wanted.datastore);
    }
    const Properties host = choose_host(connection, wanted, datastore);
    place.host = host.object();
    if (datastore && !sees(host, datastore->reference)) {
        throw LookupError(fmt::format("the host \"{}\" does not have the datastore \"{}\"",
                                      host.text("name"), datastore->name));
    }
    place.datastore = datastore ? *datastore : choose_datastore(connection, host);
    place.pool = wanted.pool.empty()
                     ? pool_of(connection, host)
                     : client::find(connection, vim::TypeId::ResourcePool, wanted.pool).reference;
    place.folder = wanted.folder.empty()
                       ? machine_folder(connection, host.object())
                       : client::find(connection, vim::TypeId::Folder, wanted.folder).reference;
    return place;
}

}  // namespace drover::cli
