#include "host/performance/process_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/file.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {
namespace {

constexpr std::uint64_t kMostBytes = 256 << 10;
constexpr std::string_view kUuidOption{"\0-uuid\0", 7};
constexpr std::size_t kUuidSize = 36;

std::optional<std::string> read_text(const std::string& path) {
    try {
        return base::read_file(path, kMostBytes);
    } catch (const std::exception&) {
        return std::nullopt;  // it has ended, or is none of ours to look at
    }
}

// Of a command line whose words end in a zero byte each.
std::string uuid_in(std::string_view command) {
    const auto at = command.find(kUuidOption);
    if (at == std::string_view::npos) return {};
    return std::string(command.substr(at + kUuidOption.size(), kUuidSize));
}

}  // namespace

bool ProcessMemories::is_process_of(const std::string& pid,
                                    const hypervisor::DomainUuid& machine) const {
    const auto command = read_text(proc_ + "/" + pid + "/cmdline");
    return command && uuid_in(*command) == machine.value();
}

void ProcessMemories::search() {
    pids_.clear();
    std::error_code error;
    for (std::filesystem::directory_iterator at(proc_, error), end; at != end && !error;
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
        const auto command = read_text(proc_ + "/" + name + "/cmdline");
        if (!command) continue;
        const std::string uuid = uuid_in(*command);
        if (!uuid.empty()) pids_[hypervisor::DomainUuid(uuid)] = name;
    }
}

std::map<hypervisor::DomainUuid, ProcessMemory> ProcessMemories::read(
    std::span<const hypervisor::DomainUuid> machines) {
    const bool all_known = std::ranges::all_of(machines, [this](const auto& machine) {
        const auto found = pids_.find(machine);
        return found != pids_.end() && is_process_of(found->second, machine);
    });
    if (!all_known) search();
    std::map<hypervisor::DomainUuid, ProcessMemory> found;
    for (const auto& machine : machines) {
        const auto pid = pids_.find(machine);
        if (pid == pids_.end()) continue;
        const std::string directory = proc_ + "/" + pid->second;
        ProcessMemory memory;
        if (const auto status = read_text(directory + "/status")) {
            if (const auto swapped = kilobytes_of(*status, "VmSwap")) {
                memory.swapped_bytes = *swapped << 10;
            }
        }
        if (const auto pages = read_text(directory + "/ksm_merging_pages")) {
            std::uint64_t number = 0;
            const auto [end, error] =
                std::from_chars(pages->data(), pages->data() + pages->size(), number);
            if (error == std::errc{}) {
                memory.shared_bytes = number * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
            }
        }
        found.emplace(machine, memory);
    }
    return found;
}

}  // namespace drover::host
