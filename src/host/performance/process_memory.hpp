#pragma once

// What the kernel tells of the memory of machines' processes: how much of it is shared by KSM and
// how much is swapped out. libvirt tells neither.

#include <map>
#include <optional>
#include <span>
#include <string>

#include "hypervisor/domain_spec.hpp"

namespace drover::host {

struct ProcessMemory {
    std::optional<std::uint64_t> shared_bytes;  ///< unset: this user may not ask
    std::optional<std::uint64_t> swapped_bytes;
};

/// Finds QEMU's processes by the uuid that stands in their command lines. One thread at a time;
/// blocks shortly.
class ProcessMemories {
public:
    explicit ProcessMemories(std::string proc = "/proc") : proc_(std::move(proc)) {}

    std::map<hypervisor::DomainUuid, ProcessMemory> read(
        std::span<const hypervisor::DomainUuid> machines);

private:
    void search();
    bool is_process_of(const std::string& pid, const hypervisor::DomainUuid& machine) const;

    std::string proc_;
    std::map<hypervisor::DomainUuid, std::string> pids_;
};

}  // namespace drover::host
