#include "machine/settings.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "machine/property_text.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

constexpr std::string_view kPowerWords = "default=preset";
constexpr std::string_view kNoLimit = "unlimited=-1";

constexpr auto kSettings = std::to_array<Setting>({
    // clang-format off
    {.key = "displayName", .property = "name", .absent = ""},
    {.key = "annotation", .property = "annotation", .absent = ""},
    {.key = "guestOSAltName", .property = "alternateGuestName", .absent = ""},
    {.key = "memSize", .property = "hardware.memoryMB", .absent = "32", .spec = "memoryMB", .cold = true},
    {.key = "numvcpus", .property = "hardware.numCPU", .absent = "1", .spec = "numCPUs", .cold = true},
    {.key = "cpuid.coresPerSocket", .property = "hardware.numCoresPerSocket", .absent = "1", .spec = "numCoresPerSocket", .cold = true},
    {.key = "firmware", .property = "firmware", .absent = "bios", .allowed = "bios,efi", .cold = true},
    {.key = "bios.bootDelay", .property = "bootOptions.bootDelay", .absent = "0", .minimum = 0, .maximum = 10000, .free = true},
    {.key = "bios.forceSetupOnce", .property = "bootOptions.enterBIOSSetup", .absent = "FALSE", .free = true},
    {.key = "uefi.secureBoot.enabled", .property = "bootOptions.efiSecureBootEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "bios.bootRetry.enabled", .property = "bootOptions.bootRetryEnabled", .absent = "FALSE", .free = true},
    {.key = "bios.bootRetry.delay", .property = "bootOptions.bootRetryDelay", .absent = "10000", .minimum = 0, .maximum = 3600000, .free = true},
    {.key = "efi.networkBootProtocol", .property = "bootOptions.networkBootProtocol", .absent = "ipv4", .allowed = "ipv4,ipv6", .free = true},
    {.key = "tools.syncTime", .property = "tools.syncTimeWithHost", .absent = "FALSE", .free = true},
    {.key = "time.synchronize.allow", .property = "tools.syncTimeWithHostAllowed", .absent = "TRUE", .free = true},
    {.key = "tools.upgrade.policy", .property = "tools.toolsUpgradePolicy", .absent = "manual", .allowed = "manual,upgradeAtPowerCycle"},
    {.key = "toolScripts.afterPowerOn", .property = "tools.afterPowerOn", .absent = "TRUE"},
    {.key = "toolScripts.afterResume", .property = "tools.afterResume", .absent = "TRUE"},
    {.key = "toolScripts.beforeSuspend", .property = "tools.beforeGuestStandby", .absent = "TRUE"},
    {.key = "toolScripts.beforePowerOff", .property = "tools.beforeGuestShutdown", .absent = "TRUE"},
    {.key = "toolScripts.beforeReboot", .property = "tools.beforeGuestReboot", .absent = "", .unset_if_absent = true},
    {.key = "", .property = "tools.toolsVersion", .absent = "0"},
    {.key = "", .property = "tools.toolsInstallType", .absent = "guestToolsTypeUnknown"},
    {.key = "logging", .property = "flags.enableLogging", .absent = "TRUE", .free = true},
    {.key = "disk.EnableUUID", .property = "flags.diskUuidEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "sched.cpu.htsharing", .property = "flags.htSharing", .absent = "any", .allowed = "any,none,internal"},
    {.key = "monitor.virtual_mmu", .property = "flags.virtualMmuUsage", .absent = "automatic", .words = "hardware=on,software=off", .allowed = "automatic,on,off", .cold = true},
    {.key = "monitor.virtual_exec", .property = "flags.virtualExecUsage", .absent = "automatic", .words = "automatic=hvAuto,hardware=hvOn,software=hvOff", .allowed = "hvAuto,hvOn,hvOff", .cold = true},
    {.key = "snapshot.disabled", .property = "flags.snapshotDisabled", .absent = "FALSE"},
    {.key = "", .property = "flags.snapshotLocked", .absent = "FALSE"},
    {.key = "snapshot.action", .property = "flags.snapshotPowerOffBehavior", .absent = "keep", .words = "keep=powerOff,autoRevert=revert,autoCommit=prompt", .allowed = "powerOff,revert,prompt,take"},
    {.key = "monitor", .property = "flags.monitorType", .absent = "release", .allowed = "release,debug,stats", .cold = true},
    {.key = "", .property = "flags.disableAcceleration", .absent = "FALSE"},
    {.key = "", .property = "flags.useToe", .absent = "FALSE"},
    {.key = "", .property = "flags.runWithDebugInfo", .absent = "FALSE"},
    {.key = "", .property = "flags.recordReplayEnabled", .absent = "FALSE"},
    {.key = "", .property = "flags.faultToleranceType", .absent = "unset"},
    {.key = "", .property = "flags.cbrcCacheEnabled", .absent = "FALSE"},
    {.key = "", .property = "flags.vvtdEnabled", .absent = "FALSE"},
    {.key = "", .property = "flags.vbsEnabled", .absent = "FALSE"},
    {.key = "powerType.powerOff", .property = "defaultPowerOps.powerOffType", .absent = "soft", .spec = "powerOpInfo.powerOffType", .words = kPowerWords, .allowed = "soft,hard,preset"},
    {.key = "powerType.suspend", .property = "defaultPowerOps.suspendType", .absent = "hard", .spec = "powerOpInfo.suspendType", .words = kPowerWords, .allowed = "soft,hard,preset"},
    {.key = "powerType.reset", .property = "defaultPowerOps.resetType", .absent = "soft", .spec = "powerOpInfo.resetType", .words = kPowerWords, .allowed = "soft,hard,preset"},
    {.key = "", .property = "defaultPowerOps.defaultPowerOffType", .absent = "soft", .spec = "powerOpInfo.defaultPowerOffType"},
    {.key = "", .property = "defaultPowerOps.defaultSuspendType", .absent = "hard", .spec = "powerOpInfo.defaultSuspendType"},
    {.key = "", .property = "defaultPowerOps.defaultResetType", .absent = "soft", .spec = "powerOpInfo.defaultResetType"},
    {.key = "chipset.onlineStandby", .property = "defaultPowerOps.standbyAction", .absent = "FALSE", .spec = "powerOpInfo.standbyAction", .words = "FALSE=checkpoint,TRUE=powerOnSuspend", .allowed = "checkpoint,powerOnSuspend"},
    {.key = "gui.powerOnAtStartup", .property = "consolePreferences.powerOnWhenOpened", .absent = "", .unset_if_absent = true},
    {.key = "gui.fullScreenAtPowerOn", .property = "consolePreferences.enterFullScreenOnPowerOn", .absent = "", .unset_if_absent = true},
    {.key = "gui.exitAtPowerOff", .property = "consolePreferences.closeOnPowerOffOrSuspend", .absent = "", .unset_if_absent = true},
    {.key = "reboot.powerOff", .property = "rebootPowerOff", .absent = "FALSE"},
    {.key = "vcpu.hotadd", .property = "cpuHotAddEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "vcpu.hotremove", .property = "cpuHotRemoveEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "mem.hotadd", .property = "memoryHotAddEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "vhv.enable", .property = "nestedHVEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "vpmc.enable", .property = "vPMCEnabled", .absent = "FALSE", .free = true, .cold = true},
    {.key = "ctkEnabled", .property = "changeTrackingEnabled", .absent = "FALSE", .free = true},
    {.key = "RemoteDisplay.maxConnections", .property = "maxMksConnections", .absent = "40", .minimum = -1, .maximum = 40, .free = true},
    {.key = "tools.guest.desktop.autolock", .property = "guestAutoLockEnabled", .absent = "FALSE", .free = true},
    {.key = "sched.swap.placement", .property = "swapPlacement", .absent = "inherit", .allowed = "inherit,vmDirectory,hostLocal"},
    {.key = "sched.cpu.latencySensitivity", .property = "latencySensitivity.level", .absent = "normal", .allowed = "low,normal,medium,high", .free = true},
    {.key = "sched.cpu.min", .property = "cpuAllocation.reservation", .absent = "0", .minimum = 0},
    {.key = "sched.cpu.max", .property = "cpuAllocation.limit", .absent = "unlimited", .words = kNoLimit, .minimum = -1},
    {.key = "", .property = "cpuAllocation.expandableReservation", .absent = "FALSE"},
    {.key = "sched.mem.min", .property = "memoryAllocation.reservation", .absent = "0", .minimum = 0},
    {.key = "sched.mem.max", .property = "memoryAllocation.limit", .absent = "unlimited", .words = kNoLimit, .minimum = -1},
    {.key = "", .property = "memoryAllocation.expandableReservation", .absent = "FALSE"},
    {.key = "sched.mem.pin", .property = "memoryReservationLockedToMax", .absent = "FALSE", .free = true},
    {.key = "", .property = "vAssertsEnabled", .absent = "FALSE"},
    {.key = "", .property = "messageBusTunnelEnabled", .absent = "FALSE"},
    {.key = "", .property = "migrateEncryption", .absent = "opportunistic"},
    {.key = "", .property = "ftEncryptionMode", .absent = "ftEncryptionOpportunistic"},
    {.key = "", .property = "scheduledHardwareUpgradeInfo.upgradePolicy", .absent = "never"},
    {.key = "", .property = "scheduledHardwareUpgradeInfo.scheduledHardwareUpgradeStatus", .absent = "none"},
    // clang-format on
});

// The other side of a pair in `words`, or the text itself.
std::string translated(std::string_view words, std::string_view text, bool to_api) {
    while (!words.empty()) {
        const auto pair = words.substr(0, words.find(','));
        words.remove_prefix(std::min(words.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        const auto file = pair.substr(0, equals);
        const auto api = pair.substr(equals + 1);
        if (to_api && vmx::lower_case(file) == vmx::lower_case(text)) return std::string(api);
        if (!to_api && api == text) return std::string(file);
    }
    return std::string(text);
}

bool in_list(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto next = list.substr(0, list.find(','));
        if (next == word) return true;
        list.remove_prefix(std::min(list.size(), next.size() + 1));
    }
    return false;
}

vim::TypeId type_of(const Setting& setting) {
    return type_of_path(vim::VirtualMachineConfigInfo::kType, setting.property);
}

// What a file without any setting means. Made once: files name few settings.
const vim::Value& absent_settings() {
    static const vim::Value made = [] {
        vim::Value value = vim::make_object(vim::VirtualMachineConfigInfo::kType);
        for (const Setting& setting : kSettings) {
            if (setting.unset_if_absent) continue;
            const auto absent = setting_from_text(setting, setting.absent);
            value = with_path(std::move(value), setting.property, absent.value());
        }
        return value;
    }();
    return made;
}

}  // namespace

std::span<const Setting> settings() {
    return kSettings;
}

const Setting* find_setting(std::string_view key) {
    // Asked for every entry of every machine's file.
    static const auto by_key = [] {
        std::map<std::string, const Setting*> made;
        for (const Setting& setting : kSettings) {
            if (!setting.key.empty()) made.emplace(vmx::lower_case(setting.key), &setting);
        }
        return made;
    }();
    const auto found = by_key.find(vmx::lower_case(key));
    return found == by_key.end() ? nullptr : found->second;
}

bool is_possible(const Setting& setting, const vim::Value& value) {
    if (!setting.allowed.empty()) return in_list(setting.allowed, value_to_text(value));
    const bool number =
        value.kind() == vim::ValueKind::int_ || value.kind() == vim::ValueKind::long_;
    return !number ||
           (value.as_integer() >= setting.minimum && value.as_integer() <= setting.maximum);
}

std::optional<vim::Value> setting_from_text(const Setting& setting, std::string_view text) {
    auto value = value_from_text(type_of(setting), translated(setting.words, text, true));
    if (value && !is_possible(setting, *value)) value.reset();
    return value;
}

vim::VirtualMachineConfigInfo read_settings(const vmx::VmxFile& file) {
    vim::Value value = absent_settings();
    for (const Setting& setting : kSettings) {
        if (setting.key.empty()) continue;
        const auto text = file.get(setting.key);
        const auto found = text ? setting_from_text(setting, *text) : std::nullopt;
        if (found) value = with_path(std::move(value), setting.property, *found);
    }
    return vim::VirtualMachineConfigInfo(value);
}

void write_settings(const vim::VirtualMachineConfigInfo& config, vmx::VmxFile& file) {
    for (const Setting& setting : kSettings) {
        if (setting.key.empty()) continue;
        const vim::Value wanted = get_path(config, setting.property);
        if (!wanted) {
            file.remove(setting.key);
            continue;
        }
        const auto text = file.get(setting.key);
        auto present = text ? setting_from_text(setting, *text) : std::nullopt;
        if (!present && !setting.unset_if_absent) {
            present = setting_from_text(setting, setting.absent);
        }
        if (present == wanted) continue;
        file.set(setting.key, translated(setting.words, value_to_text(wanted), false));
    }
}

}  // namespace drover::machine
