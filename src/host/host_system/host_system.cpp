#include "host/host_system/host_system.hpp"

#include "base/log.hpp"
#include "host/host_system/capability.hpp"
#include "host/host_system/hardware.hpp"
#include "host/host_system/host_config.hpp"
#include "host/host_system/network_view.hpp"
#include "host/host_system/object.hpp"
#include "host/inventory_root.hpp"
#include "host/performance/usage.hpp"
#include "host/references.hpp"
#include "host/service_instance.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::HostSystem;

namespace {

constexpr std::int32_t kApiPort = 443;

vim::DataHandle make_licensable(const Capacity& capacity) {
    auto packages = vim::KeyAnyValue::make();
    packages.set_key("numCpuPackages");
    packages.set_value(Value::int_(static_cast<std::int32_t>(capacity.sockets)));
    return make_data(TypeId::HostLicensableResourceInfo,
                     {{"resource", Value::array(TypeId::KeyAnyValue, {packages.raw()})}});
}

}  // namespace

HostSystem::HostSystem(const HostContext& context, ReadNetwork read_network)
    : context_(context),
      read_network_(read_network ? std::move(read_network) : ReadNetwork(read_network_state)),
      capacity_(capacity_of(context.config, context.host_info)) {}

Awaitable<void> HostSystem::start() {
    const base::WallTime now = context_.runtime.clock().wall_now();
    facts_ = co_await context_.runtime.blocking(
        "host", [this, now] { return gather_facts(context_.rootd, now); }, kCallLimit);
    in_maintenance_ = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.get("host", "maintenance").has_value(); },
        kCallLimit);
    create_objects();
    serve_methods();
    serve_maintenance();
    if (!in_maintenance_) co_return;
    base::log_info("the host is in maintenance mode");
    show_runtime();
}

vim::HostRuntimeInfo HostSystem::make_runtime() const {
    auto runtime = vim::HostRuntimeInfo::make();
    runtime.set_connectionState(vim::HostSystemConnectionState::connected);
    runtime.set_powerState(vim::HostSystemPowerState::poweredOn);
    runtime.set_standbyMode("none");
    runtime.set_inMaintenanceMode(in_maintenance_);
    runtime.set_inQuarantineMode(false);
    runtime.set_bootTime(facts_.boot_time);
    if (das_state_.empty()) return runtime;
    static const auto slot =
        *vim::describe(vim::HostRuntimeInfo::kType).find_property("dasHostState");
    static const auto state_slot =
        *vim::describe(vim::TypeId::ClusterDasFdmHostState).find_property("state");
    vim::Value state = vim::make_object(vim::TypeId::ClusterDasFdmHostState);
    state.set_slot(state_slot, vim::Value::string(das_state_));
    vim::Value value = runtime.raw();
    value.set_slot(slot, state);
    return vim::HostRuntimeInfo(value);
}

vim::HostListSummary HostSystem::make_summary() const {
    auto config = vim::HostConfigSummary::make();
    config.set_name(context_.config.host_name);
    config.set_port(kApiPort);
    config.set_product(make_about(context_));
    config.set_vmotionEnabled(false);
    config.set_faultToleranceEnabled(false);
    auto quick_stats = vim::HostListSummaryQuickStats::make();
    quick_stats.set_overallCpuUsage(0);
    quick_stats.set_overallMemoryUsage(0);
    quick_stats.set_distributedCpuFairness(0);
    quick_stats.set_distributedMemoryFairness(0);
    quick_stats.set_uptime(0);
    auto summary = vim::HostListSummary::make();
    summary.set_host(references::host);
    summary.set_hardware(
        make_hardware_summary(context_.host_info, facts_, capacity_, context_.host_uuid, 0));
    summary.set_runtime(make_runtime());
    summary.set_config(config);
    summary.set_quickStats(quick_stats);
    summary.set_overallStatus(vim::ManagedEntityStatus::green);
    summary.set_rebootRequired(false);
    summary.set_managementServerIp("");
    return summary;
}

void HostSystem::create_objects() {
    const auto& self = references::host;
    Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    set_entity_basics(transaction, self, context_.config.host_name, references::compute_resource);
    transaction.set(self, property::capability,
                    make_capability(context_.host_info, facts_, capacity_).raw());
    transaction.set(self, property::config, make_host_config(context_, capacity_).raw());
    transaction.set(self, property::hardware,
                    make_hardware(context_.host_info, facts_, capacity_, context_.host_uuid).raw());
    transaction.set(self, property::runtime, make_runtime().raw());
    transaction.set(self, property::summary, make_summary().raw());
    transaction.set(self, property::datastoreBrowser, Value::moref(references::datastore_browser));
    transaction.set(self, property::licensableResource, make_licensable(capacity_).raw());
    transaction.set(self, property::vm, Value::array(TypeId::VirtualMachine, {}));
    transaction.set(self, property::datastore, Value::array(TypeId::Datastore, {}));
    transaction.set(self, property::network, Value::array(TypeId::Network, {}));
    const auto& network = references::network_system;
    transaction.create(network.type, network.id);
    transaction.set(network, vim::property::HostNetworkSystem::capabilities,
                    make_network_capabilities().raw());
    transaction.set(network, vim::property::HostNetworkSystem::offloadCapabilities,
                    make_offload_capabilities().raw());
    const auto& roles = references::virtual_nic_manager;
    transaction.create(roles.type, roles.id);
    transaction.set(self, property::configManager, vim::HostConfigManager::make().raw());
    transaction.commit();
    show_network({});
}

void HostSystem::watch() {
    context_.runtime.spawn("host watch", look_again_and_again());
}

Awaitable<void> HostSystem::look_again_and_again() {
    while (true) {
        try {
            co_await refresh();
        } catch (const std::exception& error) {
            base::log_warning("the host's network can't be read: {}", error.what());
        }
        co_await context_.runtime.sleep(look_interval_);
    }
}

Awaitable<void> HostSystem::refresh() {
    const network::NetworkState state =
        co_await context_.runtime.blocking("host", read_network_, kCallLimit);
    show_network(state);
}

void HostSystem::show_network(const network::NetworkState& state) {
    const auto& config = context_.config;
    const auto info = make_network_info(with_switch_names(state, context_.networks.switches()),
                                        context_.networks.all(), config.host_name);
    const auto roles = make_nic_roles(info, config.management_address);
    const auto& system = references::network_system;
    Transaction transaction(context_.inventory);
    edit_host_config(transaction, [&](vim::HostConfigInfo& host) {
        host.set_network(info);
        host.set_virtualNicManagerInfo(roles);
        host.set_fileSystemVolume(make_file_systems(context_.datastores));
    });
    namespace system_property = vim::property::HostNetworkSystem;
    transaction.set(system, system_property::networkInfo, info.raw());
    transaction.set(system, system_property::networkConfig, make_network_config(info).raw());
    transaction.set(system, system_property::dnsConfig, info.dnsConfig().raw());
    transaction.set(system, system_property::ipRouteConfig, info.ipRouteConfig().raw());
    transaction.set(references::virtual_nic_manager, vim::property::HostVirtualNicManager::info,
                    roles.raw());
    vim::HostListSummary summary(transaction.get(references::host, property::summary));
    auto hardware = summary.hardware();
    hardware.set_numNics(static_cast<std::int32_t>(state.physical_nics.size()));
    summary.set_hardware(hardware);
    transaction.set(references::host, property::summary, summary.raw());
    transaction.set(references::host, property::configManager,
                    make_config_manager(context_.inventory).raw());
    transaction.commit();
}

void HostSystem::show_usage(const HostUsage& usage) {
    Transaction transaction(context_.inventory);
    vim::HostListSummary summary(transaction.get(references::host, property::summary));
    auto quick_stats = summary.quickStats();
    if (usage.cpu_mhz) quick_stats.set_overallCpuUsage(static_cast<std::int32_t>(*usage.cpu_mhz));
    quick_stats.set_overallMemoryUsage(static_cast<std::int32_t>(usage.memory_bytes >> 20));
    quick_stats.set_uptime(static_cast<std::int32_t>(usage.uptime.count()));
    summary.set_quickStats(quick_stats);
    transaction.set(references::host, property::summary, summary.raw());
    transaction.commit();
}

void HostSystem::show_manager(std::string_view address) {
    Transaction transaction(context_.inventory);
    vim::HostListSummary summary(transaction.get(references::host, property::summary));
    summary.set_managementServerIp(address);
    transaction.set(references::host, property::summary, summary.raw());
    transaction.commit();
}

void HostSystem::set_availability(std::string state) {
    das_state_ = std::move(state);
    show_runtime();
}

void HostSystem::show_runtime() {
    Transaction transaction(context_.inventory);
    vim::HostListSummary summary(transaction.get(references::host, property::summary));
    const auto runtime = make_runtime();
    summary.set_runtime(runtime);
    // A host in maintenance mode adds nothing to what machines can have.
    const auto& compute = references::compute_resource;
    vim::ComputeResourceSummary shared(
        transaction.get(compute, vim::property::ComputeResource::summary));
    shared.set_effectiveCpu(in_maintenance_ ? 0 : static_cast<std::int32_t>(capacity_.total_mhz()));
    shared.set_effectiveMemory(
        in_maintenance_ ? 0 : static_cast<std::int64_t>(capacity_.memory_bytes >> 20));
    shared.set_numEffectiveHosts(in_maintenance_ ? 0 : 1);
    transaction.set(compute, vim::property::ComputeResource::summary, shared.raw());
    transaction.set(references::host, property::runtime, runtime.raw());
    transaction.set(references::host, property::summary, summary.raw());
    transaction.commit();
}

}  // namespace drover::host
