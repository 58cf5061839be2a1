#include <algorithm>
#include <charconv>

#include "machine/boot_order.hpp"
#include "machine/config.hpp"
#include "machine/cpu_mask.hpp"
#include "machine/device_place.hpp"
#include "machine/device_vmx.hpp"
#include "machine/guest_os.hpp"
#include "machine/property_text.hpp"
#include "machine/settings.hpp"
#include "machine/uuid_text.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualMachineConfigInfo;

void write_uuid(vmx::VmxFile& file, std::string_view key, std::string_view uuid) {
    const auto old = file.get(key);
    if (old && parse_uuid(*old) == uuid) return;
    if (parse_uuid(uuid)) file.set(key, uuid_to_vmx(*parse_uuid(uuid)));
}

void write_identity(vmx::VmxFile& file, const VirtualMachineConfigInfo& config) {
    write_uuid(file, "uuid.bios", config.uuid());
    if (const auto uuid = config.instanceUuid()) write_uuid(file, "vc.uuid", *uuid);
    if (guest_id_from_vmx(file.get("guestOS").value_or("")) != config.guestId()) {
        file.set("guestOS", guest_id_to_vmx(config.guestId()));
    }
    std::int64_t version = 0;
    const auto text = config.version();
    if (text.starts_with("vmx-")) {
        std::from_chars(text.data() + 4, text.data() + text.size(), version);
    }
    if (version > 0 && file.get_integer("virtualHW.version", 1, 99).value_or(4) != version) {
        file.set_integer("virtualHW.version", version);
    }
    if (const auto created = config.createDate()) {
        const auto value = created->time_since_epoch().count();
        if (file.get_integer("vm.createDate").value_or(0) != value) {
            file.set_integer("vm.createDate", value);
        }
    }
}

void write_shares(vmx::VmxFile& file, std::string_view key, const vim::SharesInfo& shares) {
    const std::string text = shares_to_text(shares);
    const std::string old = file.get(key).value_or("normal");
    if (shares_to_text(shares_from_text(old, 1)) != text) file.set(key, text);
}

void write_affinity(vmx::VmxFile& file, const VirtualMachineConfigInfo& config) {
    std::string text;
    for (const std::int32_t cpu : config.cpuAffinity().affinitySet()) {
        if (!text.empty()) text += ',';
        text += std::to_string(cpu);
    }
    const auto old = file.get("sched.cpu.affinity");
    if (text.empty()) {
        if (old && *old != "all") file.remove("sched.cpu.affinity");
    } else if (old != text) {
        file.set("sched.cpu.affinity", text);
    }
}

void write_directory(vmx::VmxFile& file, std::string_view key, std::string_view wanted,
                     const DatastoreFile& home, const Datastores& datastores) {
    const auto parsed = DatastoreFile::parse(wanted);
    if (!parsed || parsed->outside()) return;
    const auto old =
        DatastoreFile::parse(file_from_vmx(file.get(key).value_or("."), home, datastores));
    if (old == parsed || ((!old || old->outside()) && *parsed == home)) return;
    if (*parsed == home) {
        file.remove(key);
    } else {
        file.set(key, "/vmfs/volumes/" + parsed->datastore + "/" + parsed->relative);
    }
}

void write_extra(vmx::VmxFile& file, const VirtualMachineConfigInfo& config) {
    const auto wanted = config.extraConfig().to_vector();
    for (const std::string& key : file.keys()) {
        const bool kept = is_known_key(key) || std::ranges::any_of(wanted, [&](const auto& option) {
                              return vmx::lower_case(option.key()) == vmx::lower_case(key);
                          });
        if (!kept) file.remove(key);
    }
    for (const auto& option : wanted) {
        if (!is_known_key(option.key())) file.set(option.key(), value_to_text(option.value()));
    }
}

}  // namespace

void apply_to_vmx(vmx::VmxFile& file, const VirtualMachineConfigInfo& config,
                  const Datastores& datastores) {
    const std::string vm_path(config.files().vmPathName().value_or(""));
    const auto devices = config.hardware().device().to_vector();
    write_settings(config, file);
    write_identity(file, config);
    write_shares(file, "sched.cpu.shares", config.cpuAllocation().shares());
    write_shares(file, "sched.mem.shares", config.memoryAllocation().shares());
    write_affinity(file, config);
    write_cpu_masks(file, config);
    const DatastoreFile home = machine_directory(vm_path);
    write_directory(file, "workingDir", config.files().snapshotDirectory().value_or(""), home,
                    datastores);
    write_directory(file, "suspend.directory", config.files().suspendDirectory().value_or(""), home,
                    datastores);
    write_extra(file, config);
    write_devices(file, devices, vm_path, datastores);
    write_boot_order(file, config.bootOptions().bootOrder().to_vector(), devices);
}

void stamp_change(vmx::VmxFile& file, base::WallTime now) {
    file.set("drover.modified", base::format_time(now));
}

// The frame that VMware's products expect of a file: the bridges let devices get PCI slots there.
vmx::VmxFile vmx_from_config(const VirtualMachineConfigInfo& config) {
    vmx::VmxFile file;
    file.set(".encoding", "UTF-8");
    file.set("config.version", "8");
    file.set("virtualHW.version", "19");
    for (const char* bridge :
         {"pciBridge0", "pciBridge4", "pciBridge5", "pciBridge6", "pciBridge7"}) {
        file.set_bool(std::string(bridge) + ".present", true);
        if (std::string_view(bridge) == "pciBridge0") continue;
        file.set(std::string(bridge) + ".virtualDev", "pcieRootPort");
        file.set(std::string(bridge) + ".functions", "8");
    }
    file.set_bool("vmci0.present", true);
    file.set_bool("hpet0.present", true);
    file.set_bool("svga.present", true);
    file.set_bool("floppy0.present", false);
    const auto vm = DatastoreFile::parse(config.files().vmPathName().value_or(""));
    if (vm) {
        const auto name = vm->file_name();
        file.set("nvram", std::string(name.substr(0, name.rfind('.'))) + ".nvram");
    }
    apply_to_vmx(file, config);
    stamp_change(file, config.modified());
    return file;
}

}  // namespace drover::machine
