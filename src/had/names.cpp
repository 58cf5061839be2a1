#include "had/names.hpp"

namespace drover::had {

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_dash ? c != '-' : !is_digit) return false;
    }
    return true;
}

std::optional<std::uint32_t> Names::Table::number(std::string_view uuid, std::size_t most) {
    if (!is_uuid(uuid)) return std::nullopt;
    if (const auto found = numbers.find(uuid); found != numbers.end()) return found->second;
    if (uuids.size() >= most) return std::nullopt;
    const auto made = static_cast<std::uint32_t>(uuids.size());
    uuids.emplace_back(uuid);
    numbers.emplace(uuids.back(), made);
    return made;
}

std::optional<ha::HostId> Names::host(std::string_view uuid) {
    const std::lock_guard lock(mutex_);
    const auto number = hosts_.number(uuid, kMostHosts);
    if (!number) return std::nullopt;
    return ha::HostId{*number};
}

std::optional<ha::MachineId> Names::machine(std::string_view uuid) {
    const std::lock_guard lock(mutex_);
    const auto number = machines_.number(uuid, kMostMachines);
    if (!number) return std::nullopt;
    return ha::MachineId{*number};
}

std::string Names::uuid_of(ha::HostId host) const {
    const std::lock_guard lock(mutex_);
    const auto index = ha::index_of(host);
    return index < hosts_.uuids.size() ? hosts_.uuids[index] : std::string();
}

std::string Names::uuid_of(ha::MachineId machine) const {
    const std::lock_guard lock(mutex_);
    const auto index = ha::index_of(machine);
    return index < machines_.uuids.size() ? machines_.uuids[index] : std::string();
}

}  // namespace drover::had
