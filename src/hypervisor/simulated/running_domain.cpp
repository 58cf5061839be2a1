#include "hypervisor/simulated/running_domain.hpp"

#include <nlohmann/json.hpp>

namespace drover::hypervisor::simulated {

using nlohmann::json;

RunningDomain RunningDomain::from_spec(const DomainSpec& spec, int run, base::WallTime now) {
    RunningDomain domain;
    domain.uuid = spec.uuid;
    domain.run = run;
    domain.display_name = spec.display_name;
    domain.vcpus = spec.cpu.vcpus;
    domain.memory_bytes = spec.memory_bytes;
    domain.balloon_bytes = spec.memory_bytes;
    domain.has_agent = spec.guest_agent;
    for (const DiskSpec& disk : spec.disks) {
        domain.disks.push_back({disk_target(disk), disk.image ? disk.image->path : ""});
    }
    for (const NicSpec& nic : spec.nics) domain.nics.push_back({nic.mac, nic.link_up});
    domain.metadata = spec.metadata;
    domain.started_at = now;
    return domain;
}

DomainInfo RunningDomain::info(bool agent_connected) const {
    DomainInfo made;
    made.uuid = uuid;
    made.libvirt_id = run;
    made.display_name = display_name;
    made.state = state;
    made.paused_reason = paused_reason;
    made.agent_connected = agent_connected;
    made.metadata = metadata;
    return made;
}

std::string to_line(const RunningDomain& domain) {
    json disks = json::array();
    for (const auto& disk : domain.disks) disks.push_back(json::array({disk.target, disk.path}));
    json nics = json::array();
    for (const auto& nic : domain.nics) {
        nics.push_back(json::array({nic.mac, nic.link_up}));
    }
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(domain.started_at).time_since_epoch().count();
    return json{{"uuid", domain.uuid.value()},     {"run", domain.run},
                {"name", domain.display_name},     {"paused", domain.state == DomainState::paused},
                {"vcpus", domain.vcpus},           {"memory", domain.memory_bytes},
                {"balloon", domain.balloon_bytes}, {"agent", domain.has_agent},
                {"disks", std::move(disks)},       {"nics", std::move(nics)},
                {"metadata", domain.metadata},     {"started", seconds}}
        .dump();
}

std::optional<RunningDomain> from_line(std::string_view line) {
    const json value = json::parse(line, nullptr, false);
    if (!value.is_object()) return std::nullopt;
    try {
        RunningDomain domain;
        domain.uuid = DomainUuid(value.at("uuid").get<std::string>());
        domain.run = value.at("run").get<int>();
        domain.display_name = value.at("name").get<std::string>();
        if (value.at("paused").get<bool>()) {
            domain.state = DomainState::paused;
            domain.paused_reason = PausedReason::user;
        }
        domain.vcpus = value.at("vcpus").get<std::uint32_t>();
        domain.memory_bytes = value.at("memory").get<std::uint64_t>();
        domain.balloon_bytes = value.at("balloon").get<std::uint64_t>();
        domain.has_agent = value.at("agent").get<bool>();
        for (const auto& disk : value.at("disks")) {
            domain.disks.push_back({disk.at(0).get<std::string>(), disk.at(1).get<std::string>()});
        }
        for (const auto& nic : value.at("nics")) {
            domain.nics.push_back({nic.at(0).get<std::string>(), nic.at(1).get<bool>()});
        }
        domain.metadata = value.at("metadata").get<std::map<std::string, std::string>>();
        domain.started_at =
            base::WallTime(std::chrono::seconds(value.at("started").get<std::int64_t>()));
        return domain;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace drover::hypervisor::simulated
