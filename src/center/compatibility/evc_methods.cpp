// ClusterEVCManager: modes by name, checked before they are set.

#include <fmt/format.h>

#include "center/compatibility/cluster_cpu.hpp"
#include "center/compatibility/evc_checks.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

MoRef cluster_of(const ClusterCpu& clusters, const Call& call) {
    return clusters.context()
        .inventory.get(call.self)
        .property(vim::property::ClusterEVCManager::managedCluster)
        .as_moref();
}

const plan::EvcMode& mode_named(std::string_view key) {
    const plan::EvcMode* mode = plan::find_evc_mode(key);
    if (mode == nullptr) {
        throw vim::invalid_argument("evcModeKey", fmt::format("There is no EVC mode '{}'.", key));
    }
    return *mode;
}

void refuse_graphics(const Value& request) {
    const Value& graphics = request.property("evcGraphicsModeKey");
    if (!graphics || graphics.as_string().empty()) return;
    throw vim::invalid_argument("evcGraphicsModeKey", "There are no EVC modes of graphics.");
}

Value results(const std::vector<EvcFinding>& findings, std::string_view mode) {
    std::vector<Value> list;
    for (const EvcFinding& each : findings) {
        auto result = vim::ClusterEVCManagerCheckResult::make();
        result.set_evcModeKey(mode);
        result.set_error(each.fault.localized());
        if (!each.hosts.empty()) result.set_host(each.hosts);
        list.push_back(result.raw());
    }
    return Value::array(TypeId::ClusterEVCManagerCheckResult, std::move(list));
}

Awaitable<Value> configure(ClusterCpu& clusters, Call call) {
    const auto request = call.arguments<vim::ConfigureEvcMode_TaskRequest>();
    refuse_graphics(call.request);
    const plan::EvcMode& mode = mode_named(request.evcModeKey());
    const MoRef cluster = cluster_of(clusters, call);
    const auto findings = findings_against(clusters, cluster, mode);
    if (!findings.empty()) throw refusal_of(findings);
    co_await clusters.set_mode(cluster, &mode, call.caller->user);
    co_return Value{};
}

Awaitable<Value> check_configure(ClusterCpu& clusters, Call call) {
    const auto request = call.arguments<vim::CheckConfigureEvcMode_TaskRequest>();
    refuse_graphics(call.request);
    const plan::EvcMode& mode = mode_named(request.evcModeKey());
    co_return results(findings_against(clusters, cluster_of(clusters, call), mode), mode.key);
}

Awaitable<Value> disable(ClusterCpu& clusters, Call call) {
    co_await clusters.set_mode(cluster_of(clusters, call), nullptr, call.caller->user);
    co_return Value{};
}

// With an EVC mode: what speaks against the host. Without: what becomes different.
Awaitable<Value> check_add(ClusterCpu& clusters, Call call) {
    const MoRef cluster = cluster_of(clusters, call);
    const Value spec = call.request.property("cnxSpec");
    const auto link = co_await clusters.hosts().look(spec);
    const JoiningHost host =
        co_await ask_host(link, std::string(spec.property("hostName").as_string()));
    if (host.cpu.cpu.features.empty()) co_return results({}, "");
    if (const plan::EvcMode* mode = clusters.mode_of(cluster)) {
        co_return results(findings_against(clusters, cluster, *mode, host), mode->key);
    }
    auto all = clusters.members(cluster);
    all.push_back(host.cpu);
    const plan::Baseline after = plan::common_baseline(all);
    co_return results(consequences(clusters, cluster, host),
                      after.mode == nullptr ? std::string_view() : after.mode->key);
}

}  // namespace

void serve_evc(ClusterCpu& clusters) {
    auto& dispatcher = clusters.context().dispatcher;
    auto& tasks = clusters.context().tasks;
    dispatcher.add_direct("EvcManager", [&clusters](const Call& call) {
        return Value::moref(clusters.manager_of(call.self));
    });
    const auto serve = [&](std::string_view method, std::string description,
                           Awaitable<Value> (*work)(ClusterCpu&, Call)) {
        tasks.add_method(
            dispatcher, method, std::move(description),
            [&clusters, work](Call call, TaskContextPtr) { return work(clusters, call); });
    };
    serve("ConfigureEvcMode_Task", "ClusterEVCManager.configureEvcMode", configure);
    serve("CheckConfigureEvcMode_Task", "ClusterEVCManager.checkConfigureEvcMode", check_configure);
    serve("DisableEvcMode_Task", "ClusterEVCManager.disableEvcMode", disable);
    serve("CheckAddHostEvc_Task", "ClusterEVCManager.checkAddHostEvc", check_add);
}

}  // namespace drover::center
