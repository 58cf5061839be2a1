#include "host/autostart/power_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "vim/fault.hpp"

namespace drover::host {
namespace {

constexpr std::int32_t kMostDelaySeconds = 24 * 3600;
constexpr std::size_t kMostMachines = 10'000;
constexpr std::int32_t kNoPlace = -1;
constexpr std::int32_t kDefaultDelay = -1;

constexpr std::array<std::string_view, 3> kStartActions{"none", "powerOn", "systemDefault"};
constexpr std::array<std::string_view, 5> kStopActions{"none", "systemDefault", "powerOff",
                                                       "guestShutdown", "suspend"};

// Clients write the words with a capital as well ("PowerOn").
template <std::size_t Count>
std::string_view action(const std::array<std::string_view, Count>& known, std::string_view text,
                        const std::string& path) {
    const auto lower = [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    };
    for (const std::string_view word : known) {
        if (std::ranges::equal(word, text, {}, lower, lower)) return word;
    }
    throw vim::invalid_argument(path,
                                fmt::format("'{}' is none of: {}.", text, fmt::join(known, ", ")));
}

void check_delay(std::int32_t seconds, const std::string& path) {
    if (seconds < kDefaultDelay || seconds > kMostDelaySeconds) {
        throw vim::invalid_argument(
            path, fmt::format("The delay must be {} (the default) to {} seconds.", kDefaultDelay,
                              kMostDelaySeconds));
    }
}

vim::AutoStartDefaults changed_defaults(vim::AutoStartDefaults defaults,
                                        const vim::AutoStartDefaults& spec) {
    const std::string path = "spec.defaults.";
    if (const auto enabled = spec.enabled()) defaults.set_enabled(*enabled);
    if (const auto delay = spec.startDelay()) {
        check_delay(*delay, path + "startDelay");
        defaults.set_startDelay(*delay);
    }
    if (const auto delay = spec.stopDelay()) {
        check_delay(*delay, path + "stopDelay");
        defaults.set_stopDelay(*delay);
    }
    if (const auto wait = spec.waitForHeartbeat()) defaults.set_waitForHeartbeat(*wait);
    if (const auto stop = spec.stopAction()) {
        defaults.set_stopAction(action(kStopActions, *stop, path + "stopAction"));
    }
    return defaults;
}

vim::AutoStartPowerInfo checked(vim::AutoStartPowerInfo info, std::size_t index) {
    const std::string path = fmt::format("spec.powerInfo[{}].", index);
    const std::int32_t order = info.startOrder();
    if (order != kNoPlace && (order < 1 || static_cast<std::size_t>(order) > kMostMachines)) {
        throw vim::invalid_argument(
            path + "startOrder",
            fmt::format("The place must be {} (none) or 1 to {}.", kNoPlace, kMostMachines));
    }
    check_delay(info.startDelay(), path + "startDelay");
    check_delay(info.stopDelay(), path + "stopDelay");
    const std::string start(action(kStartActions, info.startAction(), path + "startAction"));
    const std::string stop(action(kStopActions, info.stopAction(), path + "stopAction"));
    info.set_startAction(start);
    info.set_stopAction(stop);
    return info;
}

using Machines = std::vector<vim::AutoStartPowerInfo>;

// Puts one machine at its place; who was there moves back.
void place(Machines& machines, const vim::AutoStartPowerInfo& info) {
    std::erase_if(machines, [&](const auto& other) { return other.key() == info.key(); });
    if (info.startAction() == "none") return;
    const std::int32_t order = info.startOrder();
    const bool taken = order != kNoPlace && std::ranges::any_of(machines, [&](const auto& other) {
                           return other.startOrder() == order;
                       });
    if (taken) {
        for (auto& other : machines) {
            if (other.startOrder() >= order) other.set_startOrder(other.startOrder() + 1);
        }
    }
    machines.push_back(info);
}

}  // namespace

vim::HostAutoStartManagerConfig default_autostart() {
    constexpr std::int32_t two_minutes = 120;
    auto defaults = vim::AutoStartDefaults::make();
    defaults.set_enabled(false);
    defaults.set_startDelay(two_minutes);
    defaults.set_stopDelay(two_minutes);
    defaults.set_waitForHeartbeat(false);
    defaults.set_stopAction("powerOff");
    auto config = vim::HostAutoStartManagerConfig::make();
    config.set_defaults(defaults);
    config.set_powerInfo({});
    return config;
}

vim::HostAutoStartManagerConfig reconfigured(const vim::HostAutoStartManagerConfig& old,
                                             const vim::HostAutoStartManagerConfig& spec) {
    auto config = old;
    if (spec.defaults()) config.set_defaults(changed_defaults(old.defaults(), spec.defaults()));
    Machines machines = old.powerInfo().to_vector();
    if (spec.powerInfo().size() > kMostMachines) {
        throw vim::invalid_argument("spec.powerInfo",
                                    fmt::format("There may be {} entries at most.", kMostMachines));
    }
    std::size_t index = 0;
    for (const auto& info : spec.powerInfo()) place(machines, checked(info, index++));
    if (machines.size() > kMostMachines) {
        throw vim::invalid_argument("spec.powerInfo",
                                    fmt::format("There may be {} entries at most.", kMostMachines));
    }
    config.set_powerInfo(machines);
    config.set_powerInfo(start_order(config));
    return config;
}

vim::HostAutoStartManagerConfig without(const vim::HostAutoStartManagerConfig& config,
                                        const std::function<bool(const vim::MoRef&)>& is_gone) {
    Machines machines = config.powerInfo().to_vector();
    std::erase_if(machines, [&](const auto& info) { return is_gone(info.key()); });
    auto changed = config;
    changed.set_powerInfo(machines);
    return changed;
}

std::vector<vim::AutoStartPowerInfo> start_order(const vim::HostAutoStartManagerConfig& config) {
    std::multimap<std::int32_t, vim::AutoStartPowerInfo> ordered;
    for (const auto& info : config.powerInfo()) {
        ordered.emplace(info.startOrder() == kNoPlace ? INT32_MAX : info.startOrder(), info);
    }
    Machines machines;
    for (const auto& [order, info] : ordered) machines.push_back(info);
    return machines;
}

}  // namespace drover::host
