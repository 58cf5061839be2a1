#include <algorithm>
#include <ranges>

#include "base/log.hpp"
#include "host/autostart/autostart.hpp"
#include "host/autostart/power_order.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::MoRef;

namespace {

constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::seconds kStoreLimit{30};

std::chrono::seconds delay_of(std::int32_t own_seconds, std::optional<std::int32_t> common) {
    return std::chrono::seconds(std::max(own_seconds >= 0 ? own_seconds : common.value_or(0), 0));
}

}  // namespace

void AutoStart::after_start(const std::string& boot_id) {
    context_.runtime.spawn("autostart after the host's start", power_on_after_boot(boot_id));
}

Awaitable<void> AutoStart::power_on_after_boot(std::string boot_id) {
    const bool is_new = co_await context_.runtime.blocking(
        "store",
        [this, boot_id] {
            const auto last = context_.store.get("host", "autostart-boot");
            if (last && last->value == boot_id) return false;
            store::Record record;
            record.kind = "host";
            record.id = "autostart-boot";
            record.value = boot_id;
            store::Batch batch;
            batch.put(std::move(record));
            context_.store.commit_and_wait(std::move(batch));
            return true;
        },
        kStoreLimit);
    if (is_new && config_.defaults().enabled().value_or(false)) co_await power_on_all();
}

Awaitable<void> AutoStart::power_on_all() {
    for (const auto& info : start_order(config_)) {
        if (info.startAction() != "none") co_await power_on_one(info);
    }
}

Awaitable<void> AutoStart::power_on_one(vim::AutoStartPowerInfo info) {
    const MoRef machine = info.key();
    if (context_.inventory.find(machine) == nullptr || is_powered_on(machine)) co_return;
    try {
        co_await actions_.power_on(machine);
    } catch (const std::exception& error) {
        base::log_warning("starting {} with the host: {}", machine.id, error.what());
        co_return;
    }
    const auto defaults = config_.defaults();
    using Wait = vim::AutoStartWaitHeartbeatSetting;
    const bool heartbeat_will_do =
        info.waitForHeartbeat() == Wait::yes || (info.waitForHeartbeat() == Wait::systemDefault &&
                                                 defaults.waitForHeartbeat().value_or(false));
    auto left = std::chrono::milliseconds(delay_of(info.startDelay(), defaults.startDelay()));
    while (left.count() > 0 && !(heartbeat_will_do && has_heartbeat(machine))) {
        co_await context_.runtime.sleep(std::min(left, kPoll));
        left -= std::min(left, kPoll);
    }
}

Awaitable<void> AutoStart::power_off_all() {
    auto machines = start_order(config_);
    std::ranges::reverse(machines);
    for (const auto& info : machines) co_await power_off_one(info);
}

Awaitable<void> AutoStart::power_off_one(vim::AutoStartPowerInfo info) {
    const MoRef machine = info.key();
    const auto defaults = config_.defaults();
    std::string action(info.stopAction());
    if (action == "systemDefault") action = defaults.stopAction().value_or("powerOff");
    if (action == "none" || action == "systemDefault" || !is_powered_on(machine)) co_return;
    try {
        co_await actions_.stop(machine, action);
    } catch (const std::exception& error) {
        base::log_warning("stopping {} with the host: {}", machine.id, error.what());
    }
    auto left = std::chrono::milliseconds(delay_of(info.stopDelay(), defaults.stopDelay()));
    while (left.count() > 0 && is_powered_on(machine)) {
        co_await context_.runtime.sleep(std::min(left, kPoll));
        left -= std::min(left, kPoll);
    }
    if (!is_powered_on(machine) || action == "powerOff") co_return;
    try {
        co_await actions_.stop(machine, "powerOff");
    } catch (const std::exception& error) {
        base::log_warning("powering {} off with the host: {}", machine.id, error.what());
    }
}

bool AutoStart::is_powered_on(const MoRef& machine) const {
    const auto* object = context_.inventory.find(machine);
    if (object == nullptr) return false;
    const vim::VirtualMachineRuntimeInfo runtime(
        object->property(vim::property::VirtualMachine::runtime));
    return runtime && runtime.powerState() == vim::VirtualMachinePowerState::poweredOn;
}

bool AutoStart::has_heartbeat(const MoRef& machine) const {
    const auto* object = context_.inventory.find(machine);
    if (object == nullptr) return false;
    const vim::Value& status =
        object->property(vim::property::VirtualMachine::guestHeartbeatStatus);
    return status && status.as_string() == "green";
}

}  // namespace drover::host
