#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/file.hpp"
#include "rootd/operations.hpp"
#include "rootd/system_bus.hpp"

namespace drover::rootd {
namespace {

const std::map<std::string, std::string> kActions{
    {"start", "StartUnit"}, {"stop", "StopUnit"}, {"restart", "RestartUnit"}};

void require_service(const Policy& policy, const std::string& unit) {
    if (std::ranges::find(policy.services, unit) != policy.services.end()) return;
    throw Refused(fmt::format("service {} is not among those that may be controlled", unit));
}

void require_system(const Policy& policy) {
    if (policy.controls_system) return;
    throw Refused("this computer's clock and power are not the host's to control");
}

// Whose configuration names the time servers: chrony's if it is installed, else timesyncd's.
struct TimeService {
    std::string unit;
    std::filesystem::path file;
    std::string text;
};

TimeService time_service(SystemBus& bus, const Policy& policy,
                         const std::vector<std::string>& servers) {
    if (bus.unit_state("chrony.service").is_installed) {
        std::string text;
        for (const auto& server : servers) text += fmt::format("server {} iburst\n", server);
        return {"chrony.service", policy.configuration_root / "chrony/sources.d/drover.sources",
                text};
    }
    return {"systemd-timesyncd.service",
            policy.configuration_root / "systemd/timesyncd.conf.d/50-drover.conf",
            fmt::format("[Time]\nNTP={}\n", fmt::join(servers, " "))};
}

}  // namespace

Message list_services(const Policy& policy) {
    Message message;
    if (policy.services.empty()) return message;
    SystemBus bus;
    for (const std::string& unit : policy.services) {
        const UnitState state = bus.unit_state(unit);
        if (!state.is_installed) continue;
        message[unit] = fmt::format("{} {}", state.is_active ? "active" : "inactive",
                                    state.is_enabled ? "enabled" : "disabled");
    }
    return message;
}

void control_service(const Policy& policy, const ControlService& request) {
    require_service(policy, request.unit);
    SystemBus bus;
    if (const auto action = kActions.find(request.action); action != kActions.end()) {
        bus.control_unit(action->second, request.unit);
    } else {
        bus.enable_unit(request.unit, request.action == "enable");
    }
}

void set_time_zone(const Policy& policy, const SetTimeZone& request) {
    require_system(policy);
    SystemBus().set_time_zone(request.zone);
}

void set_clock(const Policy& policy, const SetClock& request) {
    require_system(policy);
    SystemBus().set_clock(request.since_1970_us);
}

void set_time_servers(const Policy& policy, const SetTimeServers& request) {
    require_system(policy);
    SystemBus bus;
    const TimeService service = time_service(bus, policy, request.servers);
    std::filesystem::create_directories(service.file.parent_path());
    base::write_file_atomically(service.file, service.text, 0644);
    bus.control_unit("RestartUnit", service.unit);
}

void power_computer(const Policy& policy, const PowerComputer& request) {
    require_system(policy);
    SystemBus().power(request.action == "reboot" ? "Reboot" : "PowerOff");
}

}  // namespace drover::rootd
