#include "host/inventory_root.hpp"

#include "host/host_system/capacity.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using vim::ManagedEntityStatus;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

Value status(ManagedEntityStatus value) {
    return vim::Convert<ManagedEntityStatus>::to(value);
}

Value references_of(TypeId type, std::vector<MoRef> list) {
    std::vector<Value> values;
    for (const MoRef& reference : list) values.push_back(Value::moref(reference));
    return Value::array(type, std::move(values));
}

Value texts(std::vector<std::string_view> list) {
    std::vector<Value> values;
    for (const auto text : list) values.push_back(Value::string(text));
    return Value::array(TypeId::string, std::move(values));
}

void create_folder(Transaction& transaction, const MoRef& folder, std::string_view name,
                   const MoRef& parent, std::vector<std::string_view> child_types,
                   std::vector<MoRef> children) {
    transaction.create(folder.type, folder.id);
    set_entity_basics(transaction, folder, name, parent);
    transaction.set(folder, property::Folder::childType, texts(std::move(child_types)));
    transaction.set(folder, property::Folder::childEntity,
                    references_of(TypeId::ManagedEntity, std::move(children)));
}

vim::ResourceAllocationInfo allocation(std::int64_t reservation, std::int32_t shares) {
    auto made = vim::ResourceAllocationInfo::make();
    made.set_reservation(reservation);
    made.set_expandableReservation(false);
    made.set_limit(reservation);
    auto levels = vim::SharesInfo::make();
    levels.set_level(vim::SharesLevel::custom);
    levels.set_shares(shares);
    made.set_shares(levels);
    return made;
}

vim::ResourcePoolResourceUsage usage(std::int64_t capacity) {
    auto made = vim::ResourcePoolResourceUsage::make();
    made.set_reservationUsed(0);
    made.set_reservationUsedForVm(0);
    made.set_unreservedForPool(capacity);
    made.set_unreservedForVm(capacity);
    made.set_overallUsage(0);
    made.set_maxUsage(capacity);
    return made;
}

std::int64_t capacity_mhz(const HostContext& context) {
    return static_cast<std::int64_t>(capacity_of(context.config, context.host_info).total_mhz());
}

std::int64_t capacity_bytes(const HostContext& context) {
    return static_cast<std::int64_t>(capacity_of(context.config, context.host_info).memory_bytes);
}

void create_root_pool(Transaction& transaction, const HostContext& context) {
    const auto& pool = references::root_pool;
    transaction.create(pool.type, pool.id);
    set_entity_basics(transaction, pool, "Resources", references::compute_resource);
    transaction.set(pool, property::ResourcePool::owner,
                    Value::moref(references::compute_resource));
    const std::int64_t mhz = capacity_mhz(context);
    const std::int64_t bytes = capacity_bytes(context);
    auto config = vim::ResourceConfigSpec::make();
    config.set_entity(pool);
    config.set_cpuAllocation(allocation(mhz, 9000));
    config.set_memoryAllocation(allocation(bytes >> 20, 9000));
    transaction.set(pool, property::ResourcePool::config, config.raw());
    auto runtime = vim::ResourcePoolRuntimeInfo::make();
    runtime.set_cpu(usage(mhz));
    runtime.set_memory(usage(bytes));
    runtime.set_overallStatus(ManagedEntityStatus::green);
    transaction.set(pool, property::ResourcePool::runtime, runtime.raw());
    auto summary = vim::ResourcePoolSummary::make();
    summary.set_name("Resources");
    summary.set_config(config);
    summary.set_runtime(runtime);
    transaction.set(pool, property::ResourcePool::summary, summary.raw());
    transaction.set(pool, property::ResourcePool::resourcePool,
                    references_of(TypeId::ResourcePool, {}));
    transaction.set(pool, property::ResourcePool::vm, references_of(TypeId::VirtualMachine, {}));
}

void create_compute_resource(Transaction& transaction, const HostContext& context) {
    const auto& compute = references::compute_resource;
    transaction.create(compute.type, compute.id);
    set_entity_basics(transaction, compute, context.config.host_name, references::host_folder);
    namespace compute_property = property::ComputeResource;
    transaction.set(compute, compute_property::resourcePool, Value::moref(references::root_pool));
    transaction.set(compute, compute_property::host,
                    references_of(TypeId::HostSystem, {references::host}));
    transaction.set(compute, compute_property::environmentBrowser,
                    Value::moref(references::environment_browser));
    transaction.set(compute, compute_property::datastore, references_of(TypeId::Datastore, {}));
    transaction.set(compute, compute_property::network, references_of(TypeId::Network, {}));
    auto summary = vim::ComputeResourceSummary::make();
    summary.set_totalCpu(static_cast<std::int32_t>(capacity_mhz(context)));
    summary.set_totalMemory(capacity_bytes(context));
    const Capacity capacity = capacity_of(context.config, context.host_info);
    summary.set_numCpuCores(static_cast<std::int16_t>(capacity.cores));
    summary.set_numCpuThreads(static_cast<std::int16_t>(capacity.threads));
    summary.set_effectiveCpu(static_cast<std::int32_t>(capacity_mhz(context)));
    summary.set_effectiveMemory(capacity_bytes(context) >> 20);
    summary.set_numHosts(1);
    summary.set_numEffectiveHosts(1);
    summary.set_overallStatus(ManagedEntityStatus::green);
    transaction.set(compute, compute_property::summary, summary.raw());
    auto configuration = vim::ComputeResourceConfigInfo::make();
    configuration.set_vmSwapPlacement("vmDirectory");
    transaction.set(compute, compute_property::configurationEx, configuration.raw());
}

}  // namespace

void set_entity_basics(Transaction& transaction, const MoRef& entity, std::string_view name,
                       const MoRef& parent) {
    namespace entity_property = property::ManagedEntity;
    transaction.set(entity, entity_property::name, Value::string(name));
    if (parent) transaction.set(entity, entity_property::parent, Value::moref(parent));
    transaction.set(entity, entity_property::overallStatus, status(ManagedEntityStatus::green));
    transaction.set(entity, entity_property::configStatus, status(ManagedEntityStatus::green));
    transaction.set(entity, entity_property::recentTask, references_of(TypeId::Task, {}));
    transaction.set(entity, entity_property::effectiveRole,
                    Value::array(TypeId::int_, {Value::int_(-1)}));
    transaction.set(entity, entity_property::disabledMethod, Value::array(TypeId::string, {}));
    transaction.set(entity, entity_property::alarmActionsEnabled, Value::boolean(true));
}

void create_inventory_root(const HostContext& context) {
    Transaction transaction(context.inventory);
    create_folder(transaction, references::root_folder, "ha-folder-root", {}, {"Datacenter"},
                  {references::datacenter});
    const auto& datacenter = references::datacenter;
    transaction.create(datacenter.type, datacenter.id);
    set_entity_basics(transaction, datacenter, "ha-datacenter", references::root_folder);
    namespace dc = property::Datacenter;
    // Nothing of it is set: the host's own default goes for its machines.
    transaction.set(datacenter, dc::configuration, vim::make_object(TypeId::DatacenterConfigInfo));
    transaction.set(datacenter, dc::vmFolder, Value::moref(references::vm_folder));
    transaction.set(datacenter, dc::hostFolder, Value::moref(references::host_folder));
    transaction.set(datacenter, dc::datastoreFolder, Value::moref(references::datastore_folder));
    transaction.set(datacenter, dc::networkFolder, Value::moref(references::network_folder));
    transaction.set(datacenter, dc::datastore, references_of(TypeId::Datastore, {}));
    transaction.set(datacenter, dc::network, references_of(TypeId::Network, {}));
    create_folder(transaction, references::vm_folder, "vm", datacenter, {"VirtualMachine"}, {});
    create_folder(transaction, references::host_folder, "host", datacenter, {"ComputeResource"},
                  {references::compute_resource});
    create_folder(transaction, references::datastore_folder, "datastore", datacenter, {"Datastore"},
                  {});
    create_folder(transaction, references::network_folder, "network", datacenter, {"Network"}, {});
    create_compute_resource(transaction, context);
    create_root_pool(transaction, context);
    transaction.commit();
}

}  // namespace drover::host
