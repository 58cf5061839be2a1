// Before a machine is started: the cluster must bear its failures with it, and its host must know
// that it is to be protected, since protection begins with a start.

#include "center/availability/high_availability.hpp"
#include "center/tree/data.hpp"
#include "ha/admission/failover.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::milliseconds kLook{50};
// Longer than it takes: a host that does not hear must not keep machines from starting.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::minutes kThinkLimit{2};

double percent_of(const Value& policy, std::string_view name) {
    const Value& value = policy.property(name);
    return value ? static_cast<double>(value.as_integer()) : 0;
}

// Nothing: admission control is off.
std::optional<ha::FailoverSettings> failover_settings(const Value& config,
                                                      const ClusterView& view) {
    const Value das = config ? config.property("dasConfig") : Value{};
    const Value enabled = das ? das.property("admissionControlEnabled") : Value{};
    const Value policy = das ? das.property("admissionControlPolicy") : Value{};
    if (!enabled || !enabled.as_boolean() || !policy) return std::nullopt;
    ha::FailoverSettings made;
    if (vim::is_a(policy.type(), TypeId::ClusterFailoverResourcesAdmissionControlPolicy)) {
        made.policy = ha::FailoverPolicy::percentage;
        made.cpu_percent = percent_of(policy, "cpuFailoverResourcesPercent");
        made.memory_percent = percent_of(policy, "memoryFailoverResourcesPercent");
    } else if (vim::is_a(policy.type(), TypeId::ClusterFailoverHostAdmissionControlPolicy)) {
        made.policy = ha::FailoverPolicy::dedicated;
        const Value& hosts = policy.property("failoverHosts");
        if (hosts.kind() != vim::ValueKind::array) return std::nullopt;
        for (const Value& each : hosts.elements()) {
            if (const auto at = view.host(each.as_moref())) made.dedicated.push_back(*at);
        }
    } else {
        const Value& level = policy.property("failoverLevel");
        made.hosts = level ? static_cast<std::uint32_t>(level.as_integer()) : 1;
    }
    return made;
}

}  // namespace

Awaitable<void> HighAvailability::before_start(MoRef machine) {
    const MoRef cluster = compute_resource_of(parts(), machine);
    if (cluster.type != TypeId::ClusterComputeResource) co_return;
    if (!das_settings(config_of_cluster(cluster)).enabled) co_return;
    co_await require_failover_capacity(cluster, machine);
    const MoRef host = host_of(parts(), machine);
    const auto end = now() + kPatience;
    while (now() < end) {
        const auto state = clusters_.find(cluster.id);
        if (state == clusters_.end()) co_return;
        // One that has just been made may not have been looked at yet.
        const bool is_current = state->second.is_enabled && !state->second.is_due &&
                                state->second.judged.contains(machine.id);
        if (is_current && is_told(host, state->second.text)) co_return;
        co_await parts().context.runtime.sleep(kLook);
    }
}

Awaitable<void> HighAvailability::require_failover_capacity(MoRef cluster, MoRef machine) {
    ClusterView view = drs_.look(cluster, std::vector{machine});
    const auto settings = failover_settings(config_of_cluster(cluster), view);
    const auto row = view.machine(machine);
    const auto host = view.host(host_of(parts(), machine));
    if (!settings || !row || !host) co_return;
    view.snapshot.machines[*row].host = *host;
    const auto verdict = co_await parts().context.runtime.blocking(
        "failover:" + cluster.id,
        [snapshot = std::make_shared<const plan::Snapshot>(std::move(view.snapshot)),
         how = *settings] { return ha::admits_failover(*snapshot, how); },
        kThinkLimit);
    if (verdict.admitted) co_return;
    throw vim::Fault(
        vim::MethodFault(vim::make_object(TypeId::InsufficientFailoverResourcesFault)),
        "The cluster could not bear the failures that it is to bear: " + verdict.reason + ".");
}

}  // namespace drover::center
