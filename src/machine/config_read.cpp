#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "machine/boot_order.hpp"
#include "machine/config.hpp"
#include "machine/cpu_mask.hpp"
#include "machine/device_place.hpp"
#include "machine/device_vmx.hpp"
#include "machine/guest_os.hpp"
#include "machine/settings.hpp"
#include "machine/uuid_text.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualMachineConfigInfo;

std::optional<std::string> uuid_at(const vmx::VmxFile& file, std::string_view key) {
    const auto text = file.get(key);
    return text ? parse_uuid(*text) : std::nullopt;
}

void read_identity(VirtualMachineConfigInfo& config, const vmx::VmxFile& file,
                   const ReadContext& context) {
    config.set_uuid(uuid_at(file, "uuid.bios").value_or(""));
    if (const auto uuid = uuid_at(file, "vc.uuid")) config.set_instanceUuid(*uuid);
    if (config.name().empty()) {
        const auto vm = DatastoreFile::parse(context.vm_path);
        const std::string_view name = vm ? vm->file_name() : std::string_view{};
        config.set_name(name.substr(0, name.rfind('.')));
    }
    const auto version = file.get_integer("virtualHW.version", 1, 99).value_or(4);
    config.set_version(fmt::format("vmx-{:02}", version));
    config.set_guestId(guest_id_from_vmx(file.get("guestOS").value_or("")));
    config.set_guestFullName(guest_full_name(config.guestId()));
    config.set_template(context.vm_path.ends_with(".vmtx"));

    const auto stamp = file.get("drover.modified");
    const auto modified =
        (stamp ? base::parse_time(*stamp) : std::nullopt).value_or(context.modified);
    config.set_modified(modified);
    config.set_changeVersion(base::format_time(modified));
    if (const auto created = file.get_integer("vm.createDate", 1, 250'000'000'000'000'000)) {
        config.set_createDate(base::WallTime(std::chrono::microseconds(*created)));
    }
}

void read_files(VirtualMachineConfigInfo& config, const vmx::VmxFile& file,
                const ReadContext& context) {
    const DatastoreFile home = machine_directory(context.vm_path);
    const auto directory = [&](std::string_view key) {
        const std::string name = file.get(key).value_or(".");
        const auto found = DatastoreFile::parse(file_from_vmx(name, home, context.datastores));
        const DatastoreFile chosen = found && !found->outside() ? *found : home;
        return chosen.relative.empty() ? chosen.to_string() + " " : chosen.to_string() + "/";
    };
    auto files = vim::VirtualMachineFileInfo::make();
    files.set_vmPathName(context.vm_path);
    files.set_snapshotDirectory(directory("workingDir"));
    files.set_suspendDirectory(directory("suspend.directory"));
    files.set_logDirectory(directory(""));
    config.set_files(files);

    std::set<std::string, std::less<>> used{home.datastore};
    for (const auto& device : config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        const auto parsed = backing ? DatastoreFile::parse(backing.fileName()) : std::nullopt;
        if (parsed && !parsed->outside()) used.insert(parsed->datastore);
    }
    std::vector<vim::VirtualMachineConfigInfoDatastoreUrlPair> urls;
    for (const auto& name : used) {
        const auto found = context.datastores.find(name);
        if (found == context.datastores.end()) continue;
        auto pair = vim::VirtualMachineConfigInfoDatastoreUrlPair::make();
        pair.set_name(name);
        pair.set_url(found->second.url);
        urls.push_back(pair);
    }
    if (!urls.empty()) config.set_datastoreUrl(urls);
}

void read_hardware(VirtualMachineConfigInfo& config, const vmx::VmxFile& file,
                   const ReadContext& context) {
    auto hardware = config.hardware();
    hardware.set_numCPU(std::clamp(hardware.numCPU(), 1, 4096));
    hardware.set_numCoresPerSocket(
        std::clamp(hardware.numCoresPerSocket().value_or(1), 1, hardware.numCPU()));
    hardware.set_memoryMB(std::max(hardware.memoryMB(), 4));
    hardware.set_autoCoresPerSocket(false);
    hardware.set_virtualICH7MPresent(false);
    hardware.set_virtualSMCPresent(false);
    hardware.set_motherboardLayout("i440bxHostBridge");
    hardware.set_simultaneousThreads(1);
    hardware.set_device(devices_from_vmx(file, context));
    config.set_hardware(hardware);

    auto cpu = config.cpuAllocation();
    cpu.set_shares(shares_from_text(file.get("sched.cpu.shares").value_or("normal"),
                                    std::int64_t{1000} * hardware.numCPU()));
    config.set_cpuAllocation(cpu);
    auto memory = config.memoryAllocation();
    memory.set_shares(shares_from_text(file.get("sched.mem.shares").value_or("normal"),
                                       std::int64_t{10} * hardware.memoryMB()));
    config.set_memoryAllocation(memory);
}

std::vector<std::int32_t> affinity_set(std::string_view text) {
    std::vector<std::int32_t> out;
    while (!text.empty() && out.size() < 1024) {
        const auto part = vmx::trimmed(text.substr(0, text.find(',')));
        const auto comma = text.find(',');
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        std::int32_t cpu = -1;
        const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), cpu);
        if (error == std::errc{} && stop == part.data() + part.size() && cpu >= 0) {
            out.push_back(cpu);
        }
    }
    return out;
}

void read_extra(VirtualMachineConfigInfo& config, const vmx::VmxFile& file) {
    std::vector<vim::OptionValue> extra;
    for (const std::string& key : file.keys()) {
        if (is_known_key(key)) continue;
        auto option = vim::OptionValue::make();
        option.set_key(key);
        option.set_value(vim::Value::string(file.get(key).value_or("")));
        extra.push_back(option);
    }
    config.set_extraConfig(extra);
}

}  // namespace

DatastoreFile machine_directory(std::string_view vm_path) {
    const auto file = DatastoreFile::parse(vm_path);
    return file ? file->directory() : DatastoreFile{};
}

bool is_secret_key(std::string_view key) {
    const std::string lower = vmx::lower_case(key);
    return lower == "remotedisplay.vnc.password" || lower == "remotedisplay.vnc.key";
}

bool is_known_key(std::string_view key) {
    static const std::set<std::string_view> other{
        ".encoding",          "config.version",
        "virtualhw.version",  "guestos",
        "uuid.bios",          "vc.uuid",
        "vm.createdate",      "nvram",
        "bios.bootorder",     "bios.hddorder",
        "sched.cpu.shares",   "sched.mem.shares",
        "sched.cpu.units",    "sched.cpu.affinity",
        "workingdir",         "suspend.directory",
        "checkpoint.vmstate", "hpet0.present",
        "memorysize",
    };
    const std::string lower = vmx::lower_case(key);
    if (lower.starts_with("drover.")) return lower != "drover.paravirtual";
    if (lower.starts_with("pcibridge")) return true;
    return other.contains(lower) || is_secret_key(lower) || find_setting(lower) != nullptr ||
           is_cpu_mask_key(lower) || is_device_key(lower);
}

VirtualMachineConfigInfo config_from_vmx(const vmx::VmxFile& file, const ReadContext& context) {
    auto config = read_settings(file);
    read_identity(config, file, context);
    read_hardware(config, file, context);
    read_files(config, file, context);
    if (const auto masks = read_cpu_masks(file); !masks.empty()) config.set_cpuFeatureMask(masks);
    read_extra(config, file);

    auto boot = config.bootOptions();
    const auto order = boot_order_from_vmx(file, config.hardware().device().to_vector());
    if (!order.empty()) boot.set_bootOrder(order);
    config.set_bootOptions(boot);

    const auto affinity = affinity_set(file.get("sched.cpu.affinity").value_or(""));
    if (!affinity.empty()) {
        auto info = vim::VirtualMachineAffinityInfo::make();
        info.set_affinitySet(affinity);
        config.set_cpuAffinity(info);
    }
    return config;
}

std::vector<std::string> disk_files(const vmx::VmxFile& file, const ReadContext& context) {
    std::vector<std::string> out;
    for (const auto& device : storage_from_vmx(file, context)) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (device.is<vim::VirtualDisk>() && backing && !backing.fileName().empty()) {
            out.emplace_back(backing.fileName());
        }
    }
    return out;
}

}  // namespace drover::machine
