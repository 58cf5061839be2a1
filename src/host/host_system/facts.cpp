#include "host/host_system/facts.hpp"

#include <charconv>
#include <filesystem>

#include "base/file.hpp"
#include "base/log.hpp"

namespace drover::host {
namespace {

constexpr std::uint64_t kProcLimitBytes = 4 << 20;

std::string read_or_nothing(const std::string& path) {
    try {
        return base::read_file(path, kProcLimitBytes);
    } catch (const std::exception& error) {
        base::log_debug("{}", error.what());
        return {};
    }
}

std::string firmware_text(const std::string& name) {
    std::string text = read_or_nothing("/sys/class/dmi/id/" + name);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

rootd::SystemIdentity readable_identity() {
    rootd::SystemIdentity identity;
    identity.vendor = firmware_text("sys_vendor");
    identity.model = firmware_text("product_name");
    identity.bios_version = firmware_text("bios_version");
    identity.bios_date = firmware_text("bios_date");
    return identity;
}

rootd::SystemIdentity identify(rootd::Client* rootd) {
    if (rootd == nullptr) return readable_identity();
    try {
        return rootd->system_identity();
    } catch (const std::exception& error) {
        base::log_warning("the firmware's identity: {}", error.what());
        return readable_identity();
    }
}

bool controls_power(rootd::Client* rootd) {
    if (rootd == nullptr) return false;
    try {
        return rootd->controls_system();
    } catch (const std::exception& error) {
        base::log_warning("the root helper's policy: {}", error.what());
        return false;
    }
}

}  // namespace

std::optional<base::WallTime> boot_time_of(std::string_view proc_stat) {
    constexpr std::string_view key = "\nbtime ";
    const auto at = proc_stat.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = proc_stat.substr(at + key.size());
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
    constexpr std::int64_t most = 1LL << 40;
    if (error != std::errc{} || seconds <= 0 || seconds > most) return std::nullopt;
    return base::WallTime(std::chrono::seconds(seconds));
}

HostFacts gather_facts(rootd::Client* rootd, base::WallTime now) {
    HostFacts facts;
    facts.boot_time = boot_time_of(read_or_nothing("/proc/stat")).value_or(now);
    facts.identity = identify(rootd);
    facts.controls_power = controls_power(rootd);
    facts.cpuid = read_cpuid();
    std::error_code ignored;
    facts.uefi = std::filesystem::exists("/sys/firmware/efi", ignored);
    return facts;
}

}  // namespace drover::host
