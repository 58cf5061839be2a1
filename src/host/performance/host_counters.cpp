#include "host/performance/host_counters.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/file.hpp"
#include "base/log.hpp"

namespace drover::host {
namespace {

constexpr std::uint64_t kProcLimitBytes = 1 << 20;

std::string read_or_nothing(const char* path) {
    try {
        return base::read_file(path, kProcLimitBytes);
    } catch (const std::exception& error) {
        base::log_debug("{}", error.what());
        return {};
    }
}

std::optional<std::uint64_t> number_at_start(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} ? std::optional(number) : std::nullopt;
}

// Of "pages_sharing": pages that guests see in more places than they take, which is what sharing
// saves. Of "pages_shared": what the copies take.
std::optional<std::uint64_t> ksm_bytes(const char* path) {
    const auto pages = number_at_start(read_or_nothing(path));
    if (!pages) return std::nullopt;
    return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::chrono::seconds computer_uptime() {
    return std::chrono::seconds(number_at_start(read_or_nothing("/proc/uptime")).value_or(0));
}

HostCounters read_host_counters(hypervisor::Hypervisor& hypervisor,
                                std::span<const std::string> physical_nics) {
    HostCounters counters;
    counters.stats = hypervisor.host_stats();
    counters.taken_at = std::chrono::steady_clock::now();
    // Of this thread's own network namespace, which /proc/net would not promise.
    counters.nics = parse_net_dev(read_or_nothing("/proc/thread-self/net/dev"));
    std::erase_if(counters.nics, [&](const NicCounters& nic) {
        return std::ranges::find(physical_nics, nic.name) == physical_nics.end();
    });
    counters.shared_memory_bytes = ksm_bytes("/sys/kernel/mm/ksm/pages_sharing");
    counters.shared_copies_bytes = ksm_bytes("/sys/kernel/mm/ksm/pages_shared");
    counters.cpus = parse_stat(read_or_nothing("/proc/stat"));
    const std::string memory = read_or_nothing("/proc/meminfo");
    const auto total = kilobytes_of(memory, "SwapTotal");
    const auto free = kilobytes_of(memory, "SwapFree");
    if (total && free) counters.swap_used_bytes = (*total - std::min(*free, *total)) << 10;
    counters.uptime = computer_uptime();
    return counters;
}

}  // namespace drover::host
