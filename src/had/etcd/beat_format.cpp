#include "had/etcd/beat_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace drover::had {

namespace {

using nlohmann::json;

constexpr std::size_t kEpochDigits = 20;
// With this many its text is always short enough.
constexpr std::size_t kMostMachines = 400;

std::unexpected<std::string> refused(const char* why) {
    return std::unexpected(std::string(why));
}

std::optional<ha::MachineReport> machine_of(const json& row, Names& names) {
    if (!row.is_array() || row.size() != 3 || !row[0].is_string() || !row[1].is_number_unsigned() ||
        !row[2].is_number_unsigned()) {
        return std::nullopt;
    }
    const auto phase = row[1].get<std::uint64_t>();
    const auto failures = row[2].get<std::uint64_t>();
    if (phase > static_cast<std::uint64_t>(ha::Phase::failed) ||
        failures > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    const auto machine = names.machine(row[0].get_ref<const std::string&>());
    if (!machine) return std::nullopt;
    return ha::MachineReport{*machine, static_cast<ha::Phase>(phase),
                             static_cast<std::uint32_t>(failures)};
}

std::expected<ha::ReportPtr, std::string> report_of(const json& object, Names& names) {
    if (!object.contains("takes") || !object["takes"].is_boolean()) {
        return refused("it does not say whether its host takes machines");
    }
    if (!object.contains("machines") || !object["machines"].is_array() ||
        object["machines"].size() > kMostMachines) {
        return refused("its machines are no list, or too many");
    }
    auto report = std::make_shared<ha::Report>();
    report->takes_machines = object["takes"].get<bool>();
    for (const auto& row : object["machines"]) {
        const auto machine = machine_of(row, names);
        if (!machine) return refused("a machine of it is none");
        report->machines.push_back(*machine);
    }
    return report;
}

}  // namespace

std::string beat_key(ha::HostId host, const Names& names) {
    const auto uuid = names.uuid_of(host);
    return uuid.empty() ? uuid : std::string(kBeatKeys) + uuid;
}

std::string above_epoch(ha::Epoch epoch) {
    // The character behind the digits of all such values is '{', so '|' is above them.
    return fmt::format("{:020}|", epoch);
}

std::string format_beat(const ha::Beat& beat, const Names& names) {
    json made{{"sequence", beat.sequence}, {"takes", true}, {"machines", json::array()}};
    if (beat.report) {
        made["takes"] = beat.report->takes_machines;
        const auto count = std::min(beat.report->machines.size(), kMostMachines);
        for (std::size_t at = 0; at < count; ++at) {
            const auto& each = beat.report->machines[at];
            const auto uuid = names.uuid_of(each.machine);
            if (uuid.empty()) continue;
            made["machines"].push_back({uuid, static_cast<unsigned>(each.phase), each.failures});
        }
    }
    return fmt::format("{:020}{}", beat.who.epoch, made.dump());
}

std::expected<ha::Beat, std::string> parse_beat(std::string_view key, std::string_view value,
                                                Names& names) {
    if (!key.starts_with(kBeatKeys) || !is_uuid(key.substr(kBeatKeys.size()))) {
        return refused("its key names no host");
    }
    if (value.size() <= kEpochDigits || value.size() > kBeatBytes) {
        return refused("its length is wrong");
    }
    ha::Beat beat;
    const auto digits = value.substr(0, kEpochDigits);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), beat.who.epoch);
    if (error != std::errc{} || end != digits.data() + digits.size() || beat.who.epoch == 0) {
        return refused("it has no epoch");
    }
    const auto body = value.substr(kEpochDigits);
    // Also against depth: what follows has three levels at most.
    const auto object =
        json::parse(body, [](int depth, json::parse_event_t, json&) { return depth <= 4; }, false);
    if (body.front() != '{' || !object.is_object()) return refused("it is no JSON");
    if (!object.contains("sequence") || !object["sequence"].is_number_unsigned()) {
        return refused("it has no sequence number");
    }
    beat.sequence = object["sequence"].get<std::uint64_t>();
    auto report = report_of(object, names);
    if (!report) return std::unexpected(report.error());
    beat.report = *std::move(report);
    const auto host = names.host(key.substr(kBeatKeys.size()));
    if (!host) return refused("there are too many hosts");
    beat.who.host = *host;
    return beat;
}

}  // namespace drover::had
