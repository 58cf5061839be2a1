// What the API shows of a cluster's high availability.

#include <algorithm>

#include "base/log.hpp"
#include "center/availability/high_availability.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/tree/data.hpp"
#include "ha/admission/failover.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kLevelEvery{10};
constexpr std::chrono::minutes kThinkLimit{2};
// More failures at a time than anybody plans for; each is tried on paper.
constexpr std::uint32_t kMostFailures = 4;

// The older words of the same.
std::string_view node_state(const std::string& state, bool is_connected) {
    if (!is_connected) return "nodeFailed";
    if (state == "connectedToMaster") return "running";
    if (state == "election") return "configuring";
    return state.empty() ? "uninitialized" : "error";
}

struct Level {
    std::int32_t failures = 0;
    ha::FreePercent free;
};

// How many hosts may fail, whichever they are.
Level level_of(const plan::Snapshot& snapshot) {
    Level level;
    level.free = ha::free_percent(snapshot);
    const auto hosts = static_cast<std::uint32_t>(snapshot.hosts.size());
    for (std::uint32_t count = 1; count < hosts && count <= kMostFailures; ++count) {
        ha::FailoverSettings settings;
        settings.hosts = count;
        if (!ha::admits_failover(snapshot, settings).admitted) break;
        level.failures = static_cast<std::int32_t>(count);
    }
    return level;
}

Value admission_info(const Value& config, const Level& level) {
    const Value das = config ? config.property("dasConfig") : Value{};
    const Value policy = das ? das.property("admissionControlPolicy") : Value{};
    if (!policy) return {};
    if (vim::is_a(policy.type(), TypeId::ClusterFailoverResourcesAdmissionControlPolicy)) {
        return make_data(TypeId::ClusterFailoverResourcesAdmissionControlInfo,
                         {{"currentCpuFailoverResourcesPercent",
                           Value::int_(static_cast<std::int32_t>(level.free.cpu))},
                          {"currentMemoryFailoverResourcesPercent",
                           Value::int_(static_cast<std::int32_t>(level.free.memory))}});
    }
    if (!vim::is_a(policy.type(), TypeId::ClusterFailoverLevelAdmissionControlPolicy)) return {};
    return make_data(TypeId::ClusterFailoverLevelAdmissionControlInfo,
                     {{"currentFailoverLevel", Value::int_(level.failures)}});
}

}  // namespace

void HighAvailability::serve() {
    parts().context.dispatcher.add_direct(
        "RetrieveDasAdvancedRuntimeInfo",
        [this](const task::Call& call) { return runtime_info(call.self); });
}

// Unset where high availability is off, as documented.
Value HighAvailability::runtime_info(const MoRef& cluster) const {
    const auto& context = parts().context;
    if (!das_settings(config_of_cluster(cluster)).enabled) return {};
    std::vector<Value> nodes;
    std::vector<Value> watching;
    parts().hosts.for_each([&](const Host& host) {
        if (host.compute_resource != cluster) return;
        const bool is_connected = host.link && host.link->state() == LinkState::connected;
        const std::string state = das_state_of(context, host.ref);
        const auto word = node_state(state, is_connected);
        nodes.push_back(make_data(TypeId::ClusterDasAamNodeState,
                                  {{"host", Value::moref(host.ref)},
                                   {"name", Value::string(name_of(context, host.ref))},
                                   {"configState", Value::string(word)},
                                   {"runtimeState", Value::string(word)}}));
        if (word == "running") watching.push_back(Value::moref(host.ref));
    });
    Value info = make_data(
        TypeId::ClusterDasAdvancedRuntimeInfo,
        {{"dasHostInfo",
          make_data(TypeId::ClusterDasAamHostInfo,
                    {{"hostDasState", Value::array(TypeId::ClusterDasAamNodeState, nodes)}})},
         {"vmcpSupported", make_data(TypeId::ClusterDasAdvancedRuntimeInfoVmcpCapabilityInfo,
                                     {{"storageAPDSupported", Value::boolean(false)},
                                      {"storagePDLSupported", Value::boolean(false)}})}});
    const auto state = clusters_.find(cluster.id);
    if (state == clusters_.end() || state->second.datastore.empty()) return info;
    const Value datastore =
        make_data(TypeId::DasHeartbeatDatastoreInfo,
                  {{"datastore", Value::moref(MoRef{TypeId::Datastore, state->second.datastore})},
                   {"hosts", Value::array(TypeId::HostSystem, watching)}});
    set_property(info, "heartbeatDatastoreInfo",
                 Value::array(TypeId::DasHeartbeatDatastoreInfo, {datastore}));
    return info;
}

void HighAvailability::show_levels() {
    for (auto& [id, state] : clusters_) {
        const bool is_wanted = state.is_enabled || state.next_level != base::SteadyTime{};
        if (!is_wanted || state.is_levelling || now() < state.next_level) continue;
        state.is_levelling = true;
        state.next_level = now() + kLevelEvery;
        parts().context.runtime.spawn("failover level of " + id,
                                      show_level({TypeId::ClusterComputeResource, id}));
    }
}

Awaitable<void> HighAvailability::show_level(MoRef cluster) {
    const bool is_enabled = clusters_[cluster.id].is_enabled;
    Level level;
    std::string problem;
    try {
        if (is_enabled) {
            const auto view = std::make_shared<const ClusterView>(drs_.look(cluster));
            level = co_await parts().context.runtime.blocking(
                "failover:" + cluster.id, [view] { return level_of(view->snapshot); }, kThinkLimit);
        }
    } catch (const std::exception& error) {
        problem = error.what();
    }
    const auto state = clusters_.find(cluster.id);
    if (state == clusters_.end()) co_return;
    state->second.is_levelling = false;
    if (!is_enabled) state->second.next_level = {};
    if (!problem.empty()) {
        base::log_warning("the failover level of {}: {}", cluster.id, problem);
        co_return;
    }
    model::Transaction transaction(parts().context.inventory);
    if (!transaction.exists(cluster)) co_return;
    const Value info = is_enabled ? admission_info(config_of_cluster(cluster), level) : Value{};
    for (const auto index : {vim::property::ComputeResource::summary,
                             vim::property::ClusterComputeResource::summaryEx}) {
        Value summary = transaction.get(cluster, index);
        if (!summary) continue;
        set_property(summary, "currentFailoverLevel", Value::int_(level.failures));
        set_property(summary, "admissionControlInfo", info);
        transaction.set(cluster, index, summary);
    }
    transaction.commit();
}

}  // namespace drover::center
