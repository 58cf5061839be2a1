// MoveInto_Task and MoveHostInto_Task of clusters, and hosts that become stand-alone again.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/hosts/host_operations.hpp"
#include "center/hosts/host_record.hpp"
#include "center/tree/numbers.hpp"
#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};

MoRef reference_of(const json& value) {
    return {vim::find_type(value.at(0).get<std::string>()), value.at(1).get<std::string>()};
}

json json_of(const MoRef& ref) {
    return json::array(
        {ref ? std::string(vim::describe(ref.type).name()) : "ManagedObject", ref.id});
}

}  // namespace

void HostOperations::require_movable(const Host& host, const MoRef& to) const {
    if (context_.tree.datacenter_of(to) != context_.tree.datacenter_of(host.compute_resource)) {
        throw vim::invalid_argument(
            "host", fmt::format("The host {} is in another datacenter.", host.name));
    }
    if (host.compute_resource.type != TypeId::ClusterComputeResource) return;
    const vim::HostRuntimeInfo runtime(
        context_.inventory.get(host.ref).property(vim::property::HostSystem::runtime));
    if (runtime.inMaintenanceMode()) return;
    throw vim::make_fault<vim::InvalidState>(
        fmt::format("The host {} has to be in maintenance mode to leave its cluster.", host.name));
}

Awaitable<void> HostOperations::move_into_cluster(MoRef cluster, std::vector<MoRef> hosts) {
    if (cluster.type != TypeId::ClusterComputeResource) {
        throw vim::make_fault<vim::NotSupported>("Hosts are moved into clusters.");
    }
    for (const MoRef& ref : hosts) {
        const Host& host = get(ref);
        if (host.compute_resource == cluster) continue;
        require_movable(host, cluster);
        if (hosts_.join_check_) co_await hosts_.join_check_(cluster, {host.name, ref, {}});
    }
    for (const MoRef& ref : hosts) {
        Host& host = get(ref);
        if (host.compute_resource == cluster) continue;
        const HostTurn turn(*this, host);
        const json parameters{{"host", json_of(ref)},
                              {"from", json_of(host.compute_resource)},
                              {"to", json_of(cluster)},
                              {"folder", json_of({})},
                              {"name", host.name}};
        co_await context_.sagas.run(moving(parameters.dump()));
    }
    if (hosts_.joined_) co_await hosts_.joined_(cluster);
}

Awaitable<void> HostOperations::move_into_folder(MoRef ref, MoRef folder) {
    Host& host = get(ref);
    const HostTurn turn(*this, host);
    require_movable(host, folder);
    const MoRef to = context_.numbers.next(TypeId::ComputeResource);
    const json parameters{{"host", json_of(ref)},
                          {"from", json_of(host.compute_resource)},
                          {"to", json_of(to)},
                          {"folder", json_of(folder)},
                          {"name", host.name}};
    co_await context_.sagas.run(moving(parameters.dump()));
}

// Stores where a host is, then shows it. After a crash there is the record alone.
Awaitable<void> HostOperations::place(MoRef ref, MoRef compute_resource) {
    const auto record = co_await context_.runtime.blocking(
        "store", [this, ref] { return context_.store.get(kHostKind, ref.id); }, kStoreLimit);
    if (!record) throw vim::object_not_found(ref);
    Host moved = host_of(*record);
    moved.compute_resource = compute_resource;
    store::Batch batch;
    batch.put(record_of(moved));
    co_await commit(context_, std::move(batch));
    Host* host = hosts_.find(ref);
    if (host == nullptr || host->compute_resource == compute_resource) co_return;
    const MoRef before = std::exchange(host->compute_resource, compute_resource);
    model::Transaction transaction(context_.inventory);
    context_.tree.detach_host(transaction, before, ref);
    context_.tree.attach_host(transaction, compute_resource, ref);
    transaction.commit();
    const auto callbacks = hosts_.moved_;
    for (const auto& callback : callbacks) callback(*host);
    base::log_info("the host {} moved to {}", host->name, compute_resource.id);
}

// After a crash the records alone are moved: the hosts are published from them later.
task::Saga HostOperations::moving(std::string parameters) {
    const json values = json::parse(parameters);
    const MoRef ref = reference_of(values.at("host"));
    const MoRef from = reference_of(values.at("from"));
    const MoRef to = reference_of(values.at("to"));
    const MoRef folder = reference_of(values.at("folder"));
    const std::string name = values.at("name");
    task::Saga saga;
    saga.kind = "host.move";
    saga.parameters = std::move(parameters);
    saga.steps.push_back({"new compute resource",
                          [this, folder, name, to]() -> Awaitable<void> {
                              if (folder)
                                  co_await context_.tree.add_compute_resource(folder, name, to);
                          },
                          [this, folder, to]() -> Awaitable<void> {
                              if (folder) co_await context_.tree.remove_compute_resource(to);
                          }});
    saga.steps.push_back({"record", [this, ref, to] { return place(ref, to); },
                          [this, ref, from] { return place(ref, from); }, true});
    saga.steps.push_back({"old compute resource",
                          [this, from]() -> Awaitable<void> {
                              if (from.type == TypeId::ComputeResource) {
                                  co_await context_.tree.remove_compute_resource(from);
                              }
                          },
                          {}});
    return saga;
}

}  // namespace drover::center
