#include "center/tree/cluster_config.hpp"
#include "center/tree/tree_state.hpp"
#include "model/inventory.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using vim::ManagedEntityStatus;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

Value none_of(TypeId type) {
    return Value::array(type, {});
}

Value status(ManagedEntityStatus value) {
    return vim::Convert<ManagedEntityStatus>::to(value);
}

Value child_types(FolderKind kind) {
    const auto types = [](std::string_view what) {
        return Value::array(TypeId::string, {Value::string("Folder"), Value::string(what)});
    };
    switch (kind) {
        case FolderKind::datacenter:
            return types("Datacenter");
        case FolderKind::machine:
            return types("VirtualMachine");
        case FolderKind::host:
            return types("ComputeResource");
        case FolderKind::datastore:
            return types("Datastore");
        case FolderKind::network:
        case FolderKind::none:
            break;
    }
    return types("Network");
}

void create_compute_resource(Transaction& transaction, const MoRef& ref) {
    namespace compute = property::ComputeResource;
    transaction.set(ref, compute::host, none_of(TypeId::HostSystem));
    transaction.set(ref, compute::datastore, none_of(TypeId::Datastore));
    transaction.set(ref, compute::network, none_of(TypeId::Network));
    if (ref.type != TypeId::ClusterComputeResource) return;
    namespace cluster = property::ClusterComputeResource;
    transaction.set(ref, cluster::actionHistory, none_of(TypeId::ClusterActionHistory));
    transaction.set(ref, cluster::drsFault, none_of(TypeId::ClusterDrsFaults));
    transaction.set(ref, cluster::drsRecommendation, none_of(TypeId::ClusterDrsRecommendation));
    transaction.set(ref, cluster::migrationHistory, none_of(TypeId::ClusterDrsMigration));
    transaction.set(ref, cluster::recommendation, none_of(TypeId::ClusterRecommendation));
}

void update_pool(Transaction& transaction, const Node& node) {
    namespace pool = property::ResourcePool;
    const auto config = node.pool->config();
    transaction.set(node.ref, pool::config, config.raw());
    const Value& runtime = transaction.get(node.ref, pool::runtime);
    const Value& known = transaction.get(node.ref, pool::summary);
    auto summary = known ? vim::ResourcePoolSummary(known) : vim::ResourcePoolSummary::make();
    summary.set_name(node.name);
    summary.set_config(config);
    summary.set_runtime(vim::ResourcePoolRuntimeInfo(runtime));
    transaction.set(node.ref, pool::summary, summary.raw());
}

void create_pool(Transaction& transaction, const MoRef& ref) {
    namespace pool = property::ResourcePool;
    auto usage = vim::ResourcePoolResourceUsage::make();
    usage.set_reservationUsed(0);
    usage.set_reservationUsedForVm(0);
    usage.set_unreservedForPool(0);
    usage.set_unreservedForVm(0);
    usage.set_overallUsage(0);
    usage.set_maxUsage(0);
    auto runtime = vim::ResourcePoolRuntimeInfo::make();
    runtime.set_cpu(usage);
    runtime.set_memory(usage);
    runtime.set_overallStatus(ManagedEntityStatus::green);
    transaction.set(ref, pool::runtime, runtime.raw());
    transaction.set(ref, pool::resourcePool, none_of(TypeId::ResourcePool));
    transaction.set(ref, pool::vm, none_of(TypeId::VirtualMachine));
    transaction.set(ref, pool::childConfiguration, none_of(TypeId::ResourceConfigSpec));
}

}  // namespace

void Tree::set_entity_basics(Transaction& transaction, const MoRef& entity, std::string_view name,
                             const MoRef& parent) {
    namespace basics = property::ManagedEntity;
    const auto set = [&](model::PropertyIndex index, Value value) {
        if (!transaction.get(entity, index)) transaction.set(entity, index, std::move(value));
    };
    set(basics::name, Value::string(name));
    if (parent) set(basics::parent, Value::moref(parent));
    set(basics::overallStatus, status(ManagedEntityStatus::green));
    set(basics::configStatus, status(ManagedEntityStatus::green));
    set(basics::configIssue, none_of(TypeId::Event));
    set(basics::recentTask, none_of(TypeId::Task));
    set(basics::disabledMethod, none_of(TypeId::string));
    set(basics::alarmActionsEnabled, Value::boolean(true));
    set(basics::declaredAlarmState, none_of(TypeId::AlarmState));
    set(basics::triggeredAlarmState, none_of(TypeId::AlarmState));
    set(basics::tag, none_of(TypeId::Tag));
    set(basics::customValue, none_of(TypeId::CustomFieldValue));
    set(basics::value, none_of(TypeId::CustomFieldValue));
}

void create_object(Transaction& transaction, const Node& node) {
    const MoRef& ref = node.ref;
    transaction.create(ref.type, ref.id);
    Tree::set_entity_basics(transaction, ref, node.name, node.parent);
    if (ref.type == TypeId::Folder) {
        transaction.set(ref, property::Folder::childType, child_types(node.kind));
        transaction.set(ref, property::Folder::childEntity, none_of(TypeId::ManagedEntity));
    } else if (ref.type == TypeId::Datacenter) {
        transaction.set(ref, property::Datacenter::datastore, none_of(TypeId::Datastore));
        transaction.set(ref, property::Datacenter::network, none_of(TypeId::Network));
    } else if (ref.type == TypeId::ResourcePool) {
        create_pool(transaction, ref);
    } else {
        create_compute_resource(transaction, ref);
        transaction.set(ref, property::ComputeResource::summary,
                        empty_summary(ref.type == TypeId::ClusterComputeResource));
        if (ref.type == TypeId::ClusterComputeResource) {
            transaction.set(ref, property::ClusterComputeResource::summaryEx, empty_summary(true));
        }
    }
}

void update_object(Transaction& transaction, const Node& node) {
    const MoRef& ref = node.ref;
    namespace basics = property::ManagedEntity;
    transaction.set(ref, basics::name, Value::string(node.name));
    if (node.parent) transaction.set(ref, basics::parent, Value::moref(node.parent));
    if (node.pool) update_pool(transaction, node);
    if (!node.config) return;
    if (ref.type == TypeId::Datacenter) {
        transaction.set(ref, property::Datacenter::configuration, node.config);
    } else {
        transaction.set(ref, property::ComputeResource::configurationEx, node.config);
        if (ref.type == TypeId::ClusterComputeResource) {
            transaction.set(ref, property::ClusterComputeResource::configuration,
                            plain_config(vim::ClusterConfigInfoEx(node.config)).raw());
        }
    }
}

std::optional<model::PropertyIndex> child_list(const MoRef& parent, TypeId child) {
    if (parent.type == TypeId::Folder) return property::Folder::childEntity;
    if (vim::is_a(parent.type, TypeId::ResourcePool)) {
        if (vim::is_a(child, TypeId::VirtualMachine)) return property::ResourcePool::vm;
        return property::ResourcePool::resourcePool;
    }
    if (vim::is_a(parent.type, TypeId::ComputeResource) && child == TypeId::HostSystem) {
        return property::ComputeResource::host;
    }
    return std::nullopt;
}

void update_child_configuration(Transaction& transaction, const TreeState& state,
                                const MoRef& pool) {
    std::vector<std::string> children(state.get(pool).children.begin(),
                                      state.get(pool).children.end());
    std::ranges::sort(children, model::reference_less);
    std::vector<Value> configs;
    for (const std::string& child : children) {
        configs.push_back(state.nodes.at(child).pool->config().raw());
    }
    transaction.set(pool, property::ResourcePool::childConfiguration,
                    Value::array(TypeId::ResourceConfigSpec, std::move(configs)));
}

}  // namespace drover::center
