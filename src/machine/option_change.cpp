#include "machine/option_change.hpp"

#include <algorithm>
#include <charconv>

#include "machine/boot_order.hpp"
#include "machine/cpu_mask.hpp"
#include "machine/device_vmx.hpp"
#include "machine/guest_os.hpp"
#include "machine/property_text.hpp"
#include "machine/refusal.hpp"
#include "machine/settings.hpp"
#include "machine/uuid_text.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualMachineConfigInfo;
using vim::VirtualMachineConfigSpec;

constexpr std::size_t kMaxNameCharacters = 80;
constexpr int kOldestHardware = 4;
constexpr int kNewestHardware = 21;

bool is_off(const Rules& rules) {
    return rules.power_state == vim::VirtualMachinePowerState::poweredOff;
}

void require_off(const Rules& rules, std::string_view path) {
    if (!is_off(rules)) refuse_power_state(rules.power_state, path);
}

// A running machine has a fault of its own for vCPUs and memory.
void require_cold(const Setting& setting, const Rules& rules, std::string_view path) {
    const bool runs = rules.power_state == vim::VirtualMachinePowerState::poweredOn;
    if (runs && setting.property == "hardware.numCPU") {
        throw vim::make_fault<vim::CpuHotPlugNotSupported>(
            fmt::format("{}: vCPUs can't be plugged into a running machine", path));
    }
    if (runs && setting.property == "hardware.memoryMB") {
        throw vim::make_fault<vim::MemoryHotPlugNotSupported>(
            fmt::format("{}: memory can't be plugged into a running machine", path));
    }
    require_off(rules, path);
}

std::string quoted_start(std::string_view text) {
    return fmt::format("\"{}\"", text.substr(0, 100));
}

void check_text(std::string_view path, std::string_view text) {
    if (text.size() > vmx::VmxFile::kMaxValueBytes / 4) refuse_value(path, "is too long");
    if (text.contains('\0') || !vmx::is_utf8(text)) refuse_value(path, "is not valid text");
}

// Puts one simple setting into the config, whatever way it came.
void set_setting(VirtualMachineConfigInfo& config, const Setting& setting, const vim::Value& value,
                 std::string_view path, const Rules& rules) {
    const vim::Value present = get_path(config, setting.property);
    if (present == value) return;
    if (setting.key.empty()) refuse_value(path, "cannot be changed");
    if (!is_possible(setting, value)) {
        refuse_value(path, fmt::format("{} is not possible", quoted_start(value_to_text(value))));
    }
    if (setting.cold) require_cold(setting, rules, path);
    if (value.kind() == vim::ValueKind::string) check_text(path, value.as_string());
    config = VirtualMachineConfigInfo(with_path(config, setting.property, value));
}

void apply_settings(VirtualMachineConfigInfo& config, const VirtualMachineConfigSpec& spec,
                    const Rules& rules) {
    const auto& spec_type = vim::describe(VirtualMachineConfigSpec::kType);
    for (const Setting& setting : settings()) {
        const std::string_view path = setting.spec.empty() ? setting.property : setting.spec;
        if (path == "name" || !spec_type.find_property(path.substr(0, path.find('.')))) continue;
        const vim::Value given = get_path(spec, path);
        if (!given) continue;
        const std::string full = fmt::format("configSpec.{}", path);
        const auto value = value_from_text(
            type_of_path(VirtualMachineConfigInfo::kType, setting.property), value_to_text(given));
        if (!value) refuse_value(full, "is out of range");
        set_setting(config, setting, *value, full, rules);
    }
}

void apply_identity(VirtualMachineConfigInfo& config, const VirtualMachineConfigSpec& spec,
                    const Rules& rules) {
    if (spec.name()) config.set_name(checked_name(*spec.name()));
    if (const auto id = spec.guestId(); id && *id != config.guestId()) {
        if (find_guest_os(*id) == nullptr) {
            refuse_value("configSpec.guestId",
                         fmt::format("{} is no guest that the API has", quoted_start(*id)));
        }
        require_off(rules, "configSpec.guestId");
        config.set_guestId(*id);
    }
    const auto uuid = [&](std::optional<std::string_view> text, std::string_view path,
                          std::string_view present) -> std::optional<std::string> {
        if (!text) return std::nullopt;
        auto parsed = parse_uuid(*text);
        if (!parsed) refuse_value(path, "is no uuid");
        if (*parsed != present) require_off(rules, path);
        return parsed;
    };
    if (auto value = uuid(spec.uuid(), "configSpec.uuid", config.uuid())) config.set_uuid(*value);
    if (auto value = uuid(spec.instanceUuid(), "configSpec.instanceUuid",
                          config.instanceUuid().value_or(""))) {
        config.set_instanceUuid(*value);
    }
    if (const auto version = spec.version(); version && *version != config.version()) {
        const auto number = [](std::string_view text) {
            int value = 0;
            if (!text.starts_with("vmx-") || text.size() != 6) return 0;
            const char* end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data() + 4, end, value);
            return error == std::errc{} && stop == end ? value : 0;
        };
        if (number(*version) < kOldestHardware || number(*version) > kNewestHardware) {
            refuse_value("configSpec.version", fmt::format("must be vmx-{:02} to vmx-{}",
                                                           kOldestHardware, kNewestHardware));
        }
        require_off(rules, "configSpec.version");
        config.set_version(*version);
    }
}

void apply_files(VirtualMachineConfigInfo& config, const vim::VirtualMachineFileInfo& wanted) {
    if (!wanted) return;
    auto files = config.files();
    const auto path = wanted.vmPathName().value_or("");
    // "[datastore]" is how clients say where a new machine goes; the caller has settled that.
    const auto parsed = DatastoreFile::parse(path);
    if (!path.empty() && path != files.vmPathName() && !(parsed && parsed->relative.empty())) {
        refuse_value("configSpec.files.vmPathName", "cannot be changed");
    }
    const auto directory = [&](std::optional<std::string_view> text, std::string_view name) {
        if (!text || text->empty()) return false;
        const auto found = DatastoreFile::parse(*text);
        if (!found || found->outside()) {
            refuse_value(fmt::format("configSpec.files.{}", name), "is no directory");
        }
        return !found->relative.empty();
    };
    if (directory(wanted.snapshotDirectory(), "snapshotDirectory")) {
        files.set_snapshotDirectory(*wanted.snapshotDirectory());
    }
    if (directory(wanted.suspendDirectory(), "suspendDirectory")) {
        files.set_suspendDirectory(*wanted.suspendDirectory());
    }
    config.set_files(files);
}

void apply_shares(vim::ResourceAllocationInfo& target, const vim::ResourceAllocationInfo& wanted,
                  std::string_view path, std::int64_t normal_shares) {
    auto shares = wanted && wanted.shares() ? wanted.shares() : target.shares();
    if (shares.level() == vim::SharesLevel::custom) {
        if (shares.shares() < 1 || shares.shares() > 1'000'000) {
            refuse_value(fmt::format("configSpec.{}.shares.shares", path), "must be 1 to 1000000");
        }
    } else {
        shares.set_shares(level_shares(shares.level(), normal_shares));
    }
    target.set_shares(shares);
}

void set_option(std::vector<vim::OptionValue>& options, std::string_view key,
                std::string_view text) {
    const auto found = std::ranges::find_if(options, [&](const auto& option) {
        return vmx::lower_case(option.key()) == vmx::lower_case(key);
    });
    if (text.empty()) {
        if (found != options.end()) options.erase(found);
        return;
    }
    auto option = vim::OptionValue::make();
    option.set_key(found != options.end() ? found->key() : key);
    option.set_value(vim::Value::string(text));
    if (found != options.end()) {
        *found = option;
    } else {
        options.push_back(option);
    }
}

void apply_extra(VirtualMachineConfigInfo& config, const VirtualMachineConfigSpec& spec,
                 const Rules& rules, SecretOptions& secrets) {
    auto options = config.extraConfig().to_vector();
    for (const auto& option : spec.extraConfig()) {
        const std::string key(option.key());
        const std::string path = fmt::format("configSpec.extraConfig[\"{}\"]", key.substr(0, 100));
        if (!vmx::VmxFile::is_valid_key(key)) refuse_value(path, "is no possible key");
        const std::string text = value_to_text(option.value());
        check_text(path, text);
        const Setting* setting = find_setting(key);
        if (is_boot_order_key(key)) {
            continue;  // taken over once the devices are known
        }
        if (is_secret_key(key)) {
            secrets.emplace_back(key, text);
        } else if (setting != nullptr && setting->free) {
            const auto value = setting_from_text(*setting, text.empty() ? setting->absent : text);
            if (!value) refuse_value(path, fmt::format("{} is not possible", quoted_start(text)));
            set_setting(config, *setting, *value, path, rules);
        } else if (is_cpu_mask_key(key)) {
            apply_cpu_mask_key(config, key, text, path, rules);
        } else if (is_known_key(key)) {
            refuse_value(path, "belongs to a property of its own, or to the system");
        } else {
            set_option(options, key, text);
        }
    }
    config.set_extraConfig(options);
}

void check_secure_boot(const VirtualMachineConfigInfo& config,
                       const VirtualMachineConfigSpec& spec) {
    const auto boot = spec.bootOptions();
    if (!boot || !boot.efiSecureBootEnabled().value_or(false) || config.firmware() == "efi") return;
    constexpr std::string_view path = "configSpec.bootOptions.efiSecureBootEnabled";
    auto fault = vim::InvalidVmConfig::make();
    fault.set_property(path);
    throw vim::Fault(fault, fmt::format("{}: needs the firmware efi", path));
}

}  // namespace

std::string checked_name(std::string_view name) {
    const auto refuse = [&](std::string_view reason) {
        auto fault = vim::InvalidName::make();
        fault.set_name(name.substr(0, 256));
        throw vim::Fault(fault, fmt::format("configSpec.name: {}", reason));
    };
    if (name.empty()) refuse("is empty");
    if (name.size() > 1024 || !vmx::is_utf8(name)) refuse("is too long or not UTF-8");
    const auto is_escape = [&](std::size_t at) {
        const std::string code = vmx::lower_case(name.substr(at, 3));
        return code == "%2f" || code == "%5c" || code == "%25";
    };
    std::string out;
    std::size_t characters = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) refuse("has control characters");
        const std::string_view escaped = c == '/'                    ? "%2f"
                                         : c == '\\'                 ? "%5c"
                                         : c == '%' && !is_escape(i) ? "%25"
                                                                     : std::string_view{};
        if (escaped.empty()) {
            out += c;
        } else {
            out += escaped;
        }
        if ((byte & 0xc0) != 0x80) characters += escaped.empty() ? 1 : escaped.size();
    }
    if (characters > kMaxNameCharacters) refuse("is longer than 80 characters");
    return out;
}

void apply_options(VirtualMachineConfigInfo& config, const VirtualMachineConfigSpec& spec,
                   const Rules& rules, SecretOptions& secrets) {
    apply_identity(config, spec, rules);
    apply_settings(config, spec, rules);
    apply_files(config, spec.files());
    apply_extra(config, spec, rules, secrets);
    apply_cpu_masks(config, spec, rules);
    auto cpu = config.cpuAllocation();
    apply_shares(cpu, spec.cpuAllocation(), "cpuAllocation",
                 std::int64_t{1000} * config.hardware().numCPU());
    config.set_cpuAllocation(cpu);
    auto memory = config.memoryAllocation();
    apply_shares(memory, spec.memoryAllocation(), "memoryAllocation",
                 std::int64_t{10} * config.hardware().memoryMB());
    // Locked to the size, the reservation follows it.
    if (config.memoryReservationLockedToMax().value_or(false)) {
        memory.set_reservation(config.hardware().memoryMB());
    }
    config.set_memoryAllocation(memory);
    check_secure_boot(config, spec);
    if (spec.cpuAffinity()) {
        for (const std::int32_t host_cpu : spec.cpuAffinity().affinitySet()) {
            if (host_cpu < 0 || host_cpu > 4095) {
                refuse_value("configSpec.cpuAffinity.affinitySet", "must be 0 to 4095");
            }
        }
        if (spec.cpuAffinity().affinitySet().empty()) {
            config.clear_cpuAffinity();
        } else {
            config.set_cpuAffinity(spec.cpuAffinity());
        }
    }
}

void apply_boot_order(VirtualMachineConfigInfo& config,
                      const vim::VirtualMachineBootOptions& wanted,
                      const std::function<std::int32_t(std::int32_t)>& final_key) {
    if (!wanted.raw().property("bootOrder")) return;
    constexpr std::string_view path = "configSpec.bootOptions.bootOrder";
    std::vector<vim::VirtualMachineBootOptionsBootableDevice> order;
    const auto devices = config.hardware().device().to_vector();
    const auto checked = [&]<class Entry, class Device>(Entry entry, const Device&) {
        entry.set_deviceKey(final_key(entry.deviceKey()));
        const auto found = std::ranges::find(devices, entry.deviceKey(), &vim::VirtualDevice::key);
        if (found == devices.end() || !found->template is<Device>()) {
            refuse_value(path, fmt::format("no such device: {}", entry.deviceKey()));
        }
        order.emplace_back(entry.raw());
    };
    if (wanted.bootOrder().size() > 64) refuse_value(path, "has more than 64 items");
    for (const auto& entry : wanted.bootOrder()) {
        using namespace vim;
        if (const auto disk = entry.as<VirtualMachineBootOptionsBootableDiskDevice>()) {
            checked(disk, VirtualDisk());
        } else if (const auto nic = entry.as<VirtualMachineBootOptionsBootableEthernetDevice>()) {
            checked(nic, VirtualEthernetCard());
        } else {
            order.push_back(entry);
        }
    }
    auto boot = config.bootOptions();
    boot.set_bootOrder(order);
    config.set_bootOptions(boot);
}

void check_resources(const VirtualMachineConfigInfo& config, const Rules& rules) {
    const auto hardware = config.hardware();
    const std::int32_t cpus = hardware.numCPU();
    if (cpus < 1) refuse_value("configSpec.numCPUs", "must be at least 1");
    if (cpus > rules.max_vcpus) {
        auto fault = vim::NumVirtualCpusNotSupported::make();
        fault.set_maxSupportedVcpusDest(rules.max_vcpus);
        fault.set_numCpuVm(cpus);
        throw vim::Fault(fault, fmt::format("configSpec.numCPUs: {} is more than the host's {}",
                                            cpus, rules.max_vcpus));
    }
    const std::int32_t cores = hardware.numCoresPerSocket().value_or(1);
    if (cores < 1 || cpus % cores != 0) {
        refuse_value("configSpec.numCoresPerSocket", "must divide numCPUs");
    }
    const std::int32_t memory_mb = hardware.memoryMB();
    if (memory_mb < 4 || memory_mb % 4 != 0) {
        refuse_value("configSpec.memoryMB", "must be a multiple of 4, at least 4");
    }
    if (memory_mb > rules.max_memory_mb) {
        auto fault = vim::MemorySizeNotSupported::make();
        fault.set_memorySizeMB(memory_mb);
        fault.set_minMemorySizeMB(4);
        fault.set_maxMemorySizeMB(
            static_cast<std::int32_t>(std::min<std::int64_t>(rules.max_memory_mb, INT32_MAX)));
        throw vim::Fault(fault, fmt::format("configSpec.memoryMB: {} is more than the host's {}",
                                            memory_mb, rules.max_memory_mb));
    }
    const auto check = [&](const vim::ResourceAllocationInfo& allocation, std::string_view name) {
        const auto limit = allocation.limit().value_or(-1);
        if (limit >= 0 && limit < allocation.reservation().value_or(0)) {
            refuse_value(fmt::format("configSpec.{}.limit", name), "is below the reservation");
        }
    };
    check(config.cpuAllocation(), "cpuAllocation");
    check(config.memoryAllocation(), "memoryAllocation");
    if (config.memoryAllocation().reservation().value_or(0) > memory_mb) {
        refuse_value("configSpec.memoryAllocation.reservation", "is more than the memory");
    }
}

}  // namespace drover::machine
