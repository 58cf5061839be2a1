#include "host/machines/upkeep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/environment/config_option.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machine_rules.hpp"
#include "host/machines/suspended.hpp"
#include "vim/machines_types.hpp"

namespace drover::host {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;
using vim::VirtualMachinePowerState;

namespace {

constexpr std::chrono::seconds kKeyLimit{60};
constexpr std::size_t kMostKeyEvents = 256;
constexpr std::uint32_t kKeyboardPage = 7;
constexpr std::uint32_t kLeftControl = 0xe0;

// The codes of one key press: the modifiers first, then the key. A code is the number of the key
// in its upper half and that of the usage page, the keyboard's, in its lower.
std::vector<std::uint32_t> codes_of(const vim::UsbScanCodeSpecKeyEvent& event, std::size_t index) {
    const auto code = static_cast<std::uint32_t>(event.usbHidCode());
    const std::uint32_t key = code >> 16;
    if ((code & 0xffff) != kKeyboardPage || key == 0 || key > 0xe7) {
        throw vim::invalid_argument(
            fmt::format("spec.keyEvents[{}].usbHidCode", index),
            fmt::format("{:#x} is no key: the upper 16 bits name it, the lower ones are 7.", code));
    }
    std::vector<std::uint32_t> codes;
    if (const auto modifiers = event.modifiers()) {
        const bool pressed[] = {
            modifiers.leftControl().value_or(false),  modifiers.leftShift().value_or(false),
            modifiers.leftAlt().value_or(false),      modifiers.leftGui().value_or(false),
            modifiers.rightControl().value_or(false), modifiers.rightShift().value_or(false),
            modifiers.rightAlt().value_or(false),     modifiers.rightGui().value_or(false)};
        for (std::uint32_t i = 0; i < std::size(pressed); ++i) {
            if (pressed[i]) codes.push_back(kLeftControl + i);
        }
    }
    codes.push_back(key);
    return codes;
}

}  // namespace

void Upkeep::serve() {
    auto& dispatcher = context_.dispatcher;
    context_.tasks.add_method(dispatcher, "UpgradeVM_Task", "VirtualMachine.upgradeVirtualHardware",
                              [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
                                  const MachinePtr machine = machines_.get(call.self);
                                  const Exclusive exclusive(machine, task->ref());
                                  const auto version =
                                      call.arguments<vim::UpgradeVM_TaskRequest>().version();
                                  co_await upgrade(machine, std::string(version.value_or("")),
                                                   context_.datastores.control_for(task));
                                  co_return Value{};
                              });
    dispatcher.add("RefreshStorageInfo", [this](Call call) -> Awaitable<Value> {
        const MachinePtr machine = machines_.get(call.self);
        if (!machine->busy) {
            co_await machines_.load(machine);
            machines_.publish(machine);
        }
        co_return Value{};
    });
    dispatcher.add_direct("ResetGuestInformation", [this](const Call& call) {
        const MachinePtr machine = machines_.get(call.self);
        require_power_state(*machine, VirtualMachinePowerState::poweredOff);
        machine->guest.reset();
        machines_.publish_runtime(machine);
        return Value{};
    });
    dispatcher.add("QueryUnownedFiles", [this](Call call) -> Awaitable<Value> {
        co_return co_await unowned_files(machines_.get(call.self));
    });
    dispatcher.add("PutUsbScanCodes", [this](Call call) { return press_keys(std::move(call)); });
}

Awaitable<void> Upkeep::upgrade(MachinePtr machine, std::string version,
                                storage::CopyControl control) {
    require_power_state(*machine, VirtualMachinePowerState::poweredOff);
    require_usable(*machine);
    const auto now = hardware_version(machine->config.version()).value_or(kOldestHardwareVersion);
    const auto wanted =
        version.empty() ? std::optional(kNewestHardwareVersion) : hardware_version(version);
    if (!wanted) {
        throw vim::invalid_argument(
            "version",
            fmt::format("This host knows {} to {}, not '{}'.", hardware_key(kOldestHardwareVersion),
                        hardware_key(kNewestHardwareVersion), version));
    }
    if (*wanted <= now) {
        throw vim::make_fault<vim::AlreadyUpgraded>(
            fmt::format("The machine's hardware is {} already.", hardware_key(now)));
    }
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_version(hardware_key(*wanted));
    co_await reconfigure_.reconfigure(machine, spec, control);
}

// What lies in the machine's directory and is nothing that it names or is known to make.
Awaitable<Value> Upkeep::unowned_files(MachinePtr machine) {
    require_usable(*machine);
    const auto listed = co_await list_directory(context_, machine->path.parent());
    std::set<std::string, std::less<>> owned{machine->path.to_string(),
                                             Leases::cell_of(machine->path).to_string(),
                                             suspend_file(machine->path).to_string()};
    for (const auto& file : machine->files) owned.insert(file.name);
    for (const auto& [descriptor, facts] : machine->disks) {
        owned.insert(descriptor);
        owned.insert(facts.extent_file);
    }
    for (const auto& device : machine->config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (backing) owned.emplace(backing.fileName());
    }
    std::vector<Value> unowned;
    if (listed) {
        for (const std::string& file : *listed) {
            if (!owned.contains(file)) unowned.push_back(Value::string(file));
        }
    }
    co_return Value::array(vim::TypeId::string, std::move(unowned));
}

Awaitable<Value> Upkeep::press_keys(Call call) {
    const MachinePtr machine = machines_.get(call.self);
    require_power_state(*machine, VirtualMachinePowerState::poweredOn);
    const auto spec = call.arguments<vim::PutUsbScanCodesRequest>().spec();
    const vim::UsbScanCodeSpec keys(spec.raw());
    std::vector<std::vector<std::uint32_t>> presses;
    for (const auto& event : keys.keyEvents()) {
        presses.push_back(codes_of(event, presses.size()));
    }
    if (presses.size() > kMostKeyEvents) {
        throw vim::invalid_argument("spec.keyEvents",
                                    fmt::format("One call may press {} keys.", kMostKeyEvents));
    }
    const auto count = static_cast<std::int32_t>(presses.size());
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, uuid = machine->uuid(), presses] {
            for (const auto& codes : presses) hypervisor.press_keys(uuid, codes);
        },
        kKeyLimit);
    co_return Value::int_(count);
}

}  // namespace drover::host
