#include <algorithm>
#include <span>

#include "host/availability/availability.hpp"
#include "host/cpu/feature_lists.hpp"
#include "host/cpu/seen_cpu.hpp"
#include "host/inventory_root.hpp"
#include "host/machines/disabled_methods.hpp"
#include "host/machines/guest_view.hpp"
#include "host/machines/machines.hpp"
#include "host/performance/quick_stats.hpp"
#include "host/references.hpp"
#include "machine/layout.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using vim::ManagedEntityStatus;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::VirtualMachineConnectionState;
namespace property = vim::property::VirtualMachine;

namespace {

vim::VirtualMachineCapability make_capability() {
    // What is not named here is false, as it must be for features that this host does not have.
    Value made = vim::make_object(TypeId::VirtualMachineCapability);
    const auto properties = vim::describe(TypeId::VirtualMachineCapability).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        if (properties[i].type() == TypeId::boolean) made.set_slot(i, Value::boolean(false));
    }
    vim::VirtualMachineCapability capability(made);
    capability.set_bootOptionsSupported(true);
    capability.set_diskSharesSupported(false);
    capability.set_multipleCoresPerSocketSupported(true);
    capability.set_settingVideoRamSizeSupported(true);
    return capability;
}

ManagedEntityStatus status_of(const Machine& machine) {
    if (!machine.is_usable()) return ManagedEntityStatus::red;
    return machine.question ? ManagedEntityStatus::yellow : ManagedEntityStatus::green;
}

VirtualMachineConnectionState connection_of(const Machine& machine) {
    if (!machine.datastore_accessible) return VirtualMachineConnectionState::inaccessible;
    return machine.problem.empty() ? VirtualMachineConnectionState::connected
                                   : VirtualMachineConnectionState::invalid;
}

// A machine that runs where high availability is on, and is guarded or not. As in the API, nothing
// is said of others.
void show_protection(vim::VirtualMachineRuntimeInfo& runtime, const Machine& machine,
                     const HostContext& context) {
    static const auto host_slot =
        *vim::describe(vim::HostRuntimeInfo::kType).find_property("dasHostState");
    static const auto slot =
        *vim::describe(vim::VirtualMachineRuntimeInfo::kType).find_property("dasVmProtection");
    const auto* host = context.inventory.find(references::host);
    if (!machine.domain || host == nullptr) return;
    const Value& about = host->property(vim::property::HostSystem::runtime);
    if (!is_guarded(machine) && (!about || !about.slots()[host_slot])) return;
    Value state = vim::make_object(TypeId::VirtualMachineRuntimeInfoDasProtectionState);
    static const auto protected_slot =
        *vim::describe(TypeId::VirtualMachineRuntimeInfoDasProtectionState)
             .find_property("dasProtected");
    state.set_slot(protected_slot, Value::boolean(is_guarded(machine)));
    Value value = runtime.raw();
    value.set_slot(slot, state);
    runtime = vim::VirtualMachineRuntimeInfo(value);
}

vim::VirtualMachineRuntimeInfo make_runtime(const Machine& machine, const HostContext& context) {
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    runtime.set_host(references::host);
    runtime.set_connectionState(connection_of(machine));
    runtime.set_powerState(machine.power_state());
    runtime.set_toolsInstallerMounted(false);
    if (machine.boot_time && machine.domain) runtime.set_bootTime(*machine.boot_time);
    if (machine.question) runtime.set_question(machine.question);
    runtime.set_numMksConnections(0);
    runtime.set_recordReplayState(vim::VirtualMachineRecordReplayState::inactive);
    runtime.set_onlineStandby(false);
    runtime.set_consolidationNeeded(false);
    runtime.set_faultToleranceState(vim::VirtualMachineFaultToleranceState::notConfigured);
    show_protection(runtime, machine, context);
    runtime.set_paused(machine.domain && machine.domain->state == hypervisor::DomainState::paused);
    const auto vcpus = machine.config.hardware().numCPU();
    runtime.set_maxCpuUsage(vcpus * static_cast<std::int32_t>(context.host_info.cpu_mhz));
    runtime.set_maxMemoryUsage(machine.config.hardware().memoryMB());
    return runtime;
}

vim::VirtualMachineQuickStats make_quick_stats(const Machine& machine) {
    auto stats = machine.domain && machine.quick_stats ? machine.quick_stats : idle_quick_stats();
    stats.set_guestHeartbeatStatus(machine.domain && machine.domain->agent_connected
                                       ? ManagedEntityStatus::green
                                       : ManagedEntityStatus::gray);
    return stats;
}

vim::VirtualMachineStorageInfo make_storage(const Machine& machine, base::WallTime now) {
    machine::ReadContext context;
    context.vm_path = machine.path.to_string();
    context.disks = machine.disks;
    context.datastores = machine.datastores;
    return machine::storage_info(machine.config, context, machine.files, now);
}

vim::VirtualMachineSummary make_summary(const Machine& machine, const HostContext& context) {
    auto summary = vim::VirtualMachineSummary::make();
    summary.set_vm(machine.ref);
    summary.set_runtime(make_runtime(machine, context));
    summary.set_guest(make_guest_summary(machine));
    summary.set_config(machine::config_summary(machine.config));
    summary.set_storage(
        machine::storage_summary(make_storage(machine, context.runtime.clock().wall_now())));
    summary.set_quickStats(make_quick_stats(machine));
    summary.set_overallStatus(status_of(machine));
    return summary;
}

// The names of the datastores on which the machine has files.
std::vector<std::string> datastores_of(const Machine& machine) {
    std::vector<std::string> names{machine.path.datastore()};
    for (const auto& [file, _] : machine.disks) {
        const auto path = storage::DatastorePath::parse(file);
        if (path && std::ranges::find(names, path->datastore()) == names.end()) {
            names.push_back(path->datastore());
        }
    }
    return names;
}

std::vector<MoRef> networks_of(const Machine& machine, const Networks& networks) {
    std::vector<MoRef> found;
    for (const auto& device : machine.config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
        const NetworkEntry* network = backing ? networks.find(backing.deviceName()) : nullptr;
        if (network != nullptr && std::ranges::find(found, network->ref) == found.end()) {
            found.push_back(network->ref);
        }
    }
    return found;
}

Value references_of(TypeId type, const std::vector<MoRef>& list) {
    std::vector<Value> values;
    for (const MoRef& reference : list) values.push_back(Value::moref(reference));
    return Value::array(type, std::move(values));
}

// Where the console of a running machine really is, if its file opens one and leaves the port to
// us.
vim::VirtualMachineConfigInfo with_console(const Machine& machine) {
    constexpr std::string_view kPort = "RemoteDisplay.vnc.port";
    auto config = machine.config;
    const bool open = machine.file.get_bool("RemoteDisplay.vnc.enabled").value_or(false);
    if (!open || !machine.domain || !machine.domain->vnc_port || machine.file.contains(kPort)) {
        return config;
    }
    auto options = config.extraConfig().to_vector();
    auto port = vim::OptionValue::make();
    port.set_key(kPort);
    port.set_value(Value::string(std::to_string(*machine.domain->vnc_port)));
    options.push_back(port);
    config.set_extraConfig(options);
    return config;
}

// What the guest has seen of its CPU. Not in the summary, which is read for many machines at once.
vim::VirtualMachineRuntimeInfo with_cpu_requirements(vim::VirtualMachineRuntimeInfo runtime,
                                                     const Machine& machine) {
    const auto seen = seen_cpu(machine);
    if (!seen) return runtime;
    static const auto slot =
        *vim::describe(vim::VirtualMachineRuntimeInfo::kType).find_property("featureRequirement");
    Value value = runtime.raw();
    value.set_slot(slot, requirements_of(seen_cpu_text(machine)));
    vim::VirtualMachineRuntimeInfo made(value);
    if (const auto* mode = plan::oldest_evc_mode_with(seen->vendor, seen->features)) {
        made.set_minRequiredEVCModeKey(mode->key);
    }
    return made;
}

void show_runtime(Transaction& transaction, const Machine& machine, const HostContext& context) {
    const auto summary = make_summary(machine, context);
    transaction.set(machine.ref, property::summary, summary.raw());
    transaction.set(machine.ref, property::runtime,
                    with_cpu_requirements(summary.runtime(), machine).raw());
    transaction.set(machine.ref, property::guest, make_guest(machine).raw());
    transaction.set(
        machine.ref, property::guestHeartbeatStatus,
        vim::Convert<ManagedEntityStatus>::to(summary.quickStats().guestHeartbeatStatus()));
    transaction.set(machine.ref, property::overallStatus,
                    vim::Convert<ManagedEntityStatus>::to(status_of(machine)));
    transaction.set(machine.ref, vim::property::ManagedEntity::disabledMethod,
                    disabled_methods(machine, context.dispatcher));
}

}  // namespace

void Machines::create_object(Transaction& transaction, const Machine& machine) {
    transaction.create(machine.ref.type, machine.ref.id);
    set_entity_basics(transaction, machine.ref, machine.config.name(), references::vm_folder);
    static const Value capability = make_capability().raw();  // the same for all
    transaction.set(machine.ref, property::capability, capability);
    transaction.set(machine.ref, property::environmentBrowser,
                    Value::moref(references::environment_browser));
    namespace names = vim::property;
    transaction.add_reference(references::vm_folder, names::Folder::childEntity, machine.ref);
    transaction.add_reference(references::host, names::HostSystem::vm, machine.ref);
}

void Machines::show(Transaction& transaction, const Machine& machine) {
    const auto config = with_console(machine);
    transaction.set(machine.ref, property::name, Value::string(config.name()));
    transaction.set(machine.ref, property::config, config.raw());
    // A template belongs to no pool: it can't be powered on.
    namespace names = vim::property;
    if (machine.is_template) {
        transaction.set(machine.ref, property::resourcePool, Value{});
        transaction.remove_reference(machine.pool, names::ResourcePool::vm, machine.ref);
    } else {
        transaction.set(machine.ref, property::resourcePool, Value::moref(machine.pool));
        transaction.add_reference(machine.pool, names::ResourcePool::vm, machine.ref);
    }
    auto resources = vim::ResourceConfigSpec::make();
    resources.set_entity(machine.ref);
    resources.set_cpuAllocation(config.cpuAllocation());
    resources.set_memoryAllocation(config.memoryAllocation());
    transaction.set(machine.ref, property::resourceConfig, resources.raw());
    const auto now = context_.runtime.clock().wall_now();
    transaction.set(machine.ref, property::layout,
                    machine::file_layout(config, machine.disks, machine.files).raw());
    transaction.set(machine.ref, property::layoutEx,
                    machine::file_layout_ex(config, machine.disks, machine.files, now).raw());
    std::vector<MoRef> datastores;
    const auto used = datastores_of(machine);
    for (const auto& entry : context_.datastores.all()) {
        if (std::ranges::find(used, entry->name) != used.end()) {
            datastores.push_back(entry->ref);
            context_.datastores.add_machine(transaction, entry->name, machine.ref);
        } else {
            context_.datastores.remove_machine(transaction, entry->name, machine.ref);
        }
    }
    transaction.set(machine.ref, property::datastore, references_of(TypeId::Datastore, datastores));
    transaction.set(machine.ref, property::storage, make_storage(machine, now).raw());
    const auto networks = networks_of(machine, context_.networks);
    context_.networks.set_machine(transaction, networks, machine.ref);
    transaction.set(machine.ref, property::network, references_of(TypeId::Network, networks));
    show_runtime(transaction, machine, context_);
}

void Machines::move_to_pool(const MachinePtr& machine, const MoRef& pool) {
    Transaction transaction(context_.inventory);
    namespace names = vim::property;
    if (transaction.exists(machine->pool)) {
        transaction.remove_reference(machine->pool, names::ResourcePool::vm, machine->ref);
    }
    machine->pool = pool;
    if (transaction.exists(machine->ref)) show(transaction, *machine);
    transaction.commit();
}

void Machines::publish(const MachinePtr& machine) {
    publish_all({machine});
}

void Machines::publish_all(const std::vector<MachinePtr>& machines) {
    Transaction transaction(context_.inventory);
    for (const MachinePtr& machine : machines) {
        if (transaction.exists(machine->ref)) show(transaction, *machine);
    }
    transaction.commit();
}

void Machines::publish_runtime(const MachinePtr& machine) {
    Transaction transaction(context_.inventory);
    if (transaction.exists(machine->ref)) show_runtime(transaction, *machine, context_);
    transaction.commit();
}

// In slices with room for others between them: a sample of thousands of machines must not hold up
// everybody's requests.
void Machines::publish_quick_stats(const std::vector<MachinePtr>& machines) {
    constexpr std::size_t slice = 256;
    const std::size_t now = std::min(machines.size(), slice);
    if (now < machines.size()) {
        const std::vector<MachinePtr> rest(machines.begin() + slice, machines.end());
        boost::asio::post(context_.runtime.strand(), [this, rest] { publish_quick_stats(rest); });
    }
    Transaction transaction(context_.inventory);
    for (const MachinePtr& machine : std::span(machines).first(now)) {
        if (!transaction.exists(machine->ref)) continue;
        vim::VirtualMachineSummary summary(transaction.get(machine->ref, property::summary));
        summary.set_quickStats(make_quick_stats(*machine));
        transaction.set(machine->ref, property::summary, summary.raw());
    }
    transaction.commit();
}

}  // namespace drover::host
