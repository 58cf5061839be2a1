#include "host/services/service_system.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using rootd::ServiceState;
using task::Awaitable;
using vim::Value;

namespace {

constexpr std::chrono::seconds kHelperLimit{20};
constexpr std::string_view kAgent = "hostd";
constexpr std::string_view kHelper = "rootd";

const std::string* installed_unit(const KnownService& service,
                                  const std::map<std::string, ServiceState>& units) {
    for (const std::string& unit : service.units) {
        if (units.contains(unit)) return &unit;
    }
    return nullptr;
}

vim::HostService make_service(std::string_view key, std::string_view label, bool required,
                              ServiceState state) {
    auto made = vim::HostService::make();
    made.set_key(key);
    made.set_label(label);
    made.set_required(required);
    made.set_uninstallable(false);
    made.set_running(state.is_active);
    made.set_policy(state.is_enabled ? "on" : "off");
    return made;
}

vim::Fault config_fault(std::string message) {
    return vim::make_fault<vim::HostConfigFault>(std::move(message));
}

}  // namespace

const std::vector<KnownService>& known_services() {
    static const std::vector<KnownService> services{
        {"TSM-SSH", "SSH", {"ssh.service", "sshd.service"}},
        {"ntpd",
         "NTP Daemon",
         {"chrony.service", "ntpsec.service", "ntp.service", "systemd-timesyncd.service"}},
        {"snmpd", "SNMP Server", {"snmpd.service"}},
    };
    return services;
}

vim::HostServiceInfo make_services(const std::map<std::string, ServiceState>& units,
                                   bool has_helper) {
    constexpr ServiceState always{true, true};
    std::vector<vim::HostService> list;
    for (const KnownService& service : known_services()) {
        if (const std::string* unit = installed_unit(service, units)) {
            list.push_back(make_service(service.key, service.label, false, units.at(*unit)));
        }
    }
    list.push_back(make_service(kAgent, "Host agent", true, always));
    if (has_helper) list.push_back(make_service(kHelper, "Root helper", true, always));
    auto info = vim::HostServiceInfo::make();
    info.set_service(list);
    return info;
}

Awaitable<void> ServiceSystem::start() {
    const auto& self = references::service_system;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    co_await refresh();
    auto& dispatcher = context_.dispatcher;
    const std::pair<std::string_view, std::string> controls[] = {
        {"StartService", "start"}, {"StopService", "stop"}, {"RestartService", "restart"}};
    for (const auto& [method, verb] : controls) {
        dispatcher.add(method, [this, action = verb](task::Call call) {
            return control(std::move(call), action);
        });
    }
    dispatcher.add("UpdateServicePolicy",
                   [this](task::Call call) { return set_policy(std::move(call)); });
    dispatcher.add("RefreshServices", [this](task::Call) -> Awaitable<Value> {
        co_await refresh();
        co_return Value{};
    });
    dispatcher.add_direct("UninstallService", [this](const task::Call& call) -> Value {
        find(call.request.property("id").as_string());
        throw config_fault("The computer's packages are its administrator's.");
    });
}

Awaitable<void> ServiceSystem::refresh() {
    if (context_.rootd != nullptr) {
        try {
            units_ = co_await context_.runtime.blocking(
                "rootd", [rootd = context_.rootd] { return rootd->services(); }, kHelperLimit);
        } catch (const std::exception& error) {
            base::log_warning("the computer's services: {}", error.what());
        }
    }
    const auto info = make_services(units_, context_.rootd != nullptr);
    model::Transaction transaction(context_.inventory);
    transaction.set(references::service_system, vim::property::HostServiceSystem::serviceInfo,
                    info.raw());
    edit_host_config(transaction, [&](vim::HostConfigInfo& host) { host.set_service(info); });
    transaction.commit();
}

std::pair<std::string, ServiceState> ServiceSystem::find(std::string_view key) const {
    if (key == kAgent || (key == kHelper && context_.rootd != nullptr)) {
        throw config_fault(fmt::format("'{}' is required: the host can't be without it.", key));
    }
    const auto& all = known_services();
    const auto at = std::ranges::find(all, key, &KnownService::key);
    const std::string* unit = at == all.end() ? nullptr : installed_unit(*at, units_);
    if (unit == nullptr) {
        throw vim::make_fault<vim::NotFound>(fmt::format("There is no service '{}'.", key));
    }
    return {*unit, units_.at(*unit)};
}

Awaitable<void> ServiceSystem::ask_helper(std::string unit, std::string action) {
    std::string failure;
    try {
        co_await context_.runtime.blocking(
            "rootd",
            [rootd = context_.rootd, unit, action] { rootd->control_service(unit, action); },
            kHelperLimit);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    co_await refresh();
    if (!failure.empty()) throw config_fault(fmt::format("{}: {}", unit, failure));
}

Awaitable<Value> ServiceSystem::control(task::Call call, std::string action) {
    const std::string key(call.request.property("id").as_string());
    co_await refresh();
    const auto [unit, state] = find(key);
    if (action == "start" && state.is_active) {
        throw vim::make_fault<vim::InvalidState>(fmt::format("'{}' runs already.", key));
    }
    if (action != "start" && !state.is_active) {
        throw vim::make_fault<vim::InvalidState>(fmt::format("'{}' does not run.", key));
    }
    base::log_info("audit: '{}': {} of service {}", call.caller->user, action, key);
    co_await ask_helper(unit, action);
    co_return Value{};
}

// "automatic" means on ESX: with the firewall's ports. A Linux service knows on and off.
Awaitable<Value> ServiceSystem::set_policy(task::Call call) {
    const auto request = call.arguments<vim::UpdateServicePolicyRequest>();
    const std::string policy(request.policy());
    const auto [unit, state] = find(request.id());
    if (policy != "on" && policy != "off") {
        throw vim::invalid_argument("policy", "The policy of a service is 'on' or 'off'.");
    }
    base::log_info("audit: '{}': policy {} of service {}", call.caller->user, policy, request.id());
    co_await ask_helper(unit, policy == "on" ? "enable" : "disable");
    co_return Value{};
}

}  // namespace drover::host
