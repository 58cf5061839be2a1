// CreateCluster, CreateClusterEx, ReconfigureCluster_Task, ReconfigureComputeResource_Task and what
// is asked of a cluster's configuration.

#include "base/log.hpp"
#include "center/tree/cluster_config.hpp"
#include "center/tree/data.hpp"
#include "center/tree/names.hpp"
#include "center/tree/tree_events.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

bool is_on(const Value& config, std::string_view part) {
    const Value& settings = config.property(part);
    return settings && settings.property("enabled") && settings.property("enabled").as_boolean();
}

void post_switched(const TreeState& state, const Node& before, const Node& after,
                   const std::string& user) {
    auto& events = state.context.events;
    const MoRef& ref = after.ref;
    const bool drs = is_on(after.config, "drsConfig");
    if (drs != is_on(before.config, "drsConfig")) {
        if (drs) {
            auto event = event_at<vim::DrsEnabledEvent>(state, ref);
            event.set_behavior(vim::to_string(vim::ClusterConfigInfoEx(after.config)
                                                  .drsConfig()
                                                  .defaultVmBehavior()
                                                  .value_or(vim::DrsBehavior::fullyAutomated)));
            events.post(event, user);
        } else {
            events.post(event_at<vim::DrsDisabledEvent>(state, ref), user);
        }
    }
    const bool das = is_on(after.config, "dasConfig");
    if (das == is_on(before.config, "dasConfig")) return;
    if (das) {
        events.post(event_at<vim::DasEnabledEvent>(state, ref), user);
    } else {
        events.post(event_at<vim::DasDisabledEvent>(state, ref), user);
    }
}

// References in a spec are to machines and hosts of this very cluster.
void require_members(const TreeState& state, const MoRef& cluster, const Value& value,
                     const std::string& path) {
    if (value.kind() == vim::ValueKind::moref) {
        const MoRef ref = value.as_moref();
        const bool machine = vim::is_a(ref.type, TypeId::VirtualMachine);
        if (!machine && ref.type != TypeId::HostSystem) return;
        const auto* object = state.context.inventory.find(ref);
        MoRef at = ref;
        if (object != nullptr && machine) {
            const Value& pool = object->property(vim::property::VirtualMachine::resourcePool);
            at = pool ? pool.as_moref() : MoRef{};
        }
        const Node* owner = at ? state.above(at, TypeId::ComputeResource) : nullptr;
        if (object == nullptr || owner == nullptr || owner->ref != cluster) {
            throw vim::invalid_argument(path, path + ": is not in this cluster");
        }
    } else if (value.kind() == vim::ValueKind::array) {
        for (const Value& each : value.elements()) require_members(state, cluster, each, path);
    } else if (value.kind() == vim::ValueKind::object) {
        const auto properties = vim::describe(value.type()).properties();
        for (std::size_t i = 0; i < properties.size(); ++i) {
            require_members(state, cluster, value.slots()[i],
                            path + "." + std::string(properties[i].name()));
        }
    }
}

Awaitable<Value> create_cluster(TreeState& state, Call call, std::string wanted_name,
                                vim::ClusterConfigSpecEx spec) {
    const auto turn = co_await state.turns.take();
    state.require_takes(call.self, TypeId::ClusterComputeResource);
    const std::string name = checked_name(wanted_name, "name");
    state.require_free_name(call.self, name);
    Node made;
    made.ref = state.context.numbers.next(TypeId::ClusterComputeResource);
    made.name = name;
    made.parent = call.self;
    require_members(state, made.ref, spec.raw(), "spec");
    made.config = apply_cluster_spec(default_cluster_config(), spec, true, [&state] {
                      return state.context.random.uuid();
                  }).raw();
    std::vector<Node> nodes{made, state.new_root_pool(made.ref)};
    co_await state.store(nodes);
    state.show(std::move(nodes));
    auto event = event_at<vim::ClusterCreatedEvent>(state, made.ref);
    event.set_parent(folder_argument(state, call.self));
    state.context.events.post(event, call.caller->user);
    Node before = made;
    before.config = default_cluster_config().raw();
    post_switched(state, before, made, call.caller->user);
    base::log_info("audit: '{}' made the cluster '{}' ({})", call.caller->user, name, made.ref.id);
    co_return Value::moref(made.ref);
}

Awaitable<Value> reconfigure(TreeState& state, Call call, vim::ComputeResourceConfigSpec spec,
                             bool modify) {
    const auto turn = co_await state.turns.take();
    Node node = state.get(call.self);
    const Node before = node;
    if (node.ref.type == TypeId::ClusterComputeResource) {
        require_members(state, node.ref, spec.raw(), "spec");
        node.config =
            apply_cluster_spec(vim::ClusterConfigInfoEx(node.config), spec, modify, [&state] {
                return state.context.random.uuid();
            }).raw();
    } else {
        node.config =
            apply_compute_spec(vim::ComputeResourceConfigInfo(node.config), spec, modify).raw();
    }
    co_await state.store({node});
    state.show({node});
    if (node.ref.type == TypeId::ClusterComputeResource) {
        state.context.events.post(event_at<vim::ClusterReconfiguredEvent>(state, node.ref),
                                  call.caller->user);
        post_switched(state, before, node, call.caller->user);
    }
    co_return Value{};
}

// Rules that name the machine, by itself or by its groups.
Value rules_for(const TreeState& state, const Call& call) {
    const Node& node = state.get(call.self);
    const MoRef machine = call.arguments<vim::FindRulesForVmRequest>().vm();
    const auto names = [&machine](const Value& list) {
        return list.kind() == vim::ValueKind::array &&
               std::ranges::any_of(list.elements(), [&machine](const Value& each) {
                   return each.moref_id() == machine.id;
               });
    };
    const vim::ArrayView<Value> rules(node.config.property("rule"));
    const vim::ArrayView<Value> groups(node.config.property("group"));
    std::vector<Value> found;
    for (const Value rule : rules) {
        bool matches = names(rule.property("vm"));
        for (const Value group : groups) {
            if (!names(group.property("vm"))) continue;
            for (const auto name : {"vmGroupName", "vmGroup", "dependsOnVmGroup"}) {
                matches |= rule.property(name) == group.property("name");
            }
        }
        if (matches) found.push_back(rule);
    }
    return Value::array(TypeId::ClusterRuleInfo, std::move(found));
}

Value usage_of(const TreeState& state, const Call& call) {
    const auto& object = state.context.inventory.get(call.self);
    const Value& summary = object.property(vim::property::ComputeResource::summary);
    const Value& usage = summary.property("usageSummary");
    const auto number = [](std::int64_t value) {
        return Value::int_(static_cast<std::int32_t>(std::min<std::int64_t>(value, INT32_MAX)));
    };
    std::int64_t capacity = 0;
    std::int64_t free = 0;
    const Value& datastores = object.property(vim::property::ComputeResource::datastore);
    if (datastores) {
        for (const Value& each : datastores.elements()) {
            const auto* datastore = state.context.inventory.find(each.as_moref());
            if (datastore == nullptr) continue;
            const vim::DatastoreSummary about(
                datastore->property(vim::property::Datastore::summary));
            if (!about) continue;
            capacity += about.capacity();
            free += about.freeSpace();
        }
    }
    return make_data(TypeId::ClusterResourceUsageSummary,
                     {{"cpuUsedMHz", usage ? usage.property("cpuDemandMhz") : Value::int_(0)},
                      {"cpuCapacityMHz", summary.property("totalCpu")},
                      {"memUsedMB", usage ? usage.property("memDemandMB") : Value::int_(0)},
                      {"memCapacityMB", number(summary.property("totalMemory").as_integer() >> 20)},
                      {"storageUsedMB", Value::long_((capacity - free) >> 20)},
                      {"storageCapacityMB", Value::long_(capacity >> 20)}});
}

}  // namespace

void serve_clusters(TreeState& state) {
    auto& dispatcher = state.context.dispatcher;
    auto& tasks = state.context.tasks;
    dispatcher.add("CreateCluster", [&state](Call call) {
        const auto request = call.arguments<vim::CreateClusterRequest>();
        return create_cluster(state, call, std::string(request.name()),
                              extended_spec(request.spec()));
    });
    dispatcher.add("CreateClusterEx", [&state](Call call) {
        const auto request = call.arguments<vim::CreateClusterExRequest>();
        return create_cluster(state, call, std::string(request.name()), request.spec());
    });
    tasks.add_method(
        dispatcher, "ReconfigureComputeResource_Task", "ComputeResource.reconfigureEx",
        [&state](Call call, task::TaskContextPtr) {
            const auto request = call.arguments<vim::ReconfigureComputeResource_TaskRequest>();
            return reconfigure(state, call,
                               vim::ComputeResourceConfigSpec(request.raw().property("spec")),
                               request.modify());
        });
    tasks.add_method(dispatcher, "ReconfigureCluster_Task", "ClusterComputeResource.reconfigure",
                     [&state](Call call, task::TaskContextPtr) {
                         const auto request = call.arguments<vim::ReconfigureCluster_TaskRequest>();
                         return reconfigure(state, call, extended_spec(request.spec()),
                                            request.modify());
                     });
    dispatcher.add_direct("FindRulesForVm",
                          [&state](const Call& call) { return rules_for(state, call); });
    dispatcher.add_direct("GetResourceUsage",
                          [&state](const Call& call) { return usage_of(state, call); });
}

}  // namespace drover::center
