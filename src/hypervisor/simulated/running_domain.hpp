#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "hypervisor/domain_info.hpp"

namespace drover::hypervisor::simulated {

/// What the simulated engine keeps of a domain that runs: no more than what its answers need.
struct RunningDomain {
    struct Disk {
        std::string target;
        std::string path;         ///< empty: no medium
        std::string moving_to{};  ///< of a disk on its way to another file; forgotten at a restart
    };
    struct Nic {
        std::string mac;
        bool link_up = true;
    };

    DomainUuid uuid;
    int run = 0;  ///< DomainInfo::libvirt_id
    std::string display_name;
    DomainState state = DomainState::running;
    PausedReason paused_reason = PausedReason::none;
    std::uint32_t vcpus = 1;
    std::uint64_t memory_bytes = 0;
    std::uint64_t balloon_bytes = 0;
    bool has_agent = false;
    std::vector<Disk> disks;
    std::vector<Nic> nics;
    std::map<std::string, std::string> metadata;
    /// Of the guest: a reset begins anew, and the time that it stood paused is not counted.
    base::WallTime started_at{};
    base::WallTime paused_at{};

    static RunningDomain from_spec(const DomainSpec& spec, int run, base::WallTime now);
    DomainInfo info(bool agent_connected) const;
};

/// One line of JSON without a line's end, and back; nothing if it is no such line.
std::string to_line(const RunningDomain& domain);
std::optional<RunningDomain> from_line(std::string_view line);

}  // namespace drover::hypervisor::simulated
