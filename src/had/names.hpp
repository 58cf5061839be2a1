#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/protocol/ids.hpp"

namespace drover::had {

/// Whether the text is a UUID in its lower-case form with dashes: what hosts and machines are named
/// by on the datastore.
bool is_uuid(std::string_view text);

/// Gives hosts and machines the small numbers by which the protocol knows them. A number is never
/// used again. Any thread.
class Names {
public:
    static constexpr std::size_t kMostHosts = 1024;
    static constexpr std::size_t kMostMachines = 2048;

    /// The number of a host or machine, a new one if it has none yet. Nothing if the text is no
    /// UUID, or there are too many.
    std::optional<ha::HostId> host(std::string_view uuid);
    std::optional<ha::MachineId> machine(std::string_view uuid);

    /// Empty if there is none of this number.
    std::string uuid_of(ha::HostId host) const;
    std::string uuid_of(ha::MachineId machine) const;

private:
    struct Table {
        std::optional<std::uint32_t> number(std::string_view uuid, std::size_t most);
        std::map<std::string, std::uint32_t, std::less<>> numbers{};
        std::vector<std::string> uuids{};
    };
    mutable std::mutex mutex_;
    Table hosts_;
    Table machines_;
};

}  // namespace drover::had
