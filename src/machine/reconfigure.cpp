#include "machine/reconfigure.hpp"

#include <algorithm>
#include <stdexcept>

#include "machine/boot_order.hpp"
#include "machine/device_change.hpp"
#include "machine/device_vmx.hpp"
#include "machine/option_change.hpp"
#include "machine/pinning.hpp"
#include "machine/uuid_text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualMachineConfigInfo;
using vim::VirtualMachineConfigSpec;

void check_change_version(const VirtualMachineConfigInfo& config,
                          const VirtualMachineConfigSpec& spec) {
    const auto expected = spec.changeVersion();
    if (!expected || expected->empty() || *expected == config.changeVersion()) return;
    throw vim::make_fault<vim::ConcurrentAccess>(
        fmt::format("configSpec.changeVersion: the machine is at {}", config.changeVersion()));
}

// Facts about the disks as they will be once the plan is carried out.
ReadContext after(const ReadContext& context, const ReconfigurePlan& plan) {
    ReadContext result = context;
    for (const DiskToCreate& job : plan.create) {
        DiskFacts facts;
        facts.capacity_bytes = job.capacity_bytes;
        facts.provisioning = job.provisioning;
        facts.uuid = job.uuid;
        facts.parent = job.parent;
        facts.adapter = job.adapter;
        result.disks[job.file] = facts;
    }
    for (const DiskToGrow& job : plan.grow) {
        result.disks[job.file].capacity_bytes = job.capacity_bytes;
    }
    return result;
}

// Options of a device that is gone ("scsi0:1.redo") go with it.
void drop_options_of(VirtualMachineConfigInfo& config, const std::vector<std::string>& prefixes) {
    auto options = config.extraConfig().to_vector();
    std::erase_if(options, [&](const vim::OptionValue& option) {
        return std::ranges::any_of(prefixes, [&](const std::string& prefix) {
            return !prefix.empty() && vmx::lower_case(option.key()).starts_with(prefix + ".");
        });
    });
    config.set_extraConfig(options);
}

void apply_devices(VirtualMachineConfigInfo& config, const VirtualMachineConfigSpec& spec,
                   const ReadContext& context, const Rules& rules, base::Random& random,
                   ReconfigurePlan& plan) {
    const auto vm = DatastoreFile::parse(context.vm_path);
    const std::string_view file_name = vm ? vm->file_name() : std::string_view{"disk"};
    DeviceChange change(context, rules, random,
                        std::string(file_name.substr(0, file_name.rfind('.'))), plan,
                        config.hardware().device().to_vector());
    change.apply(spec.deviceChange().to_vector());
    auto hardware = config.hardware();
    hardware.set_device(change.devices());
    config.set_hardware(hardware);
    drop_options_of(config, change.removed_prefixes());
    if (const auto order = boot_order_from_options(spec.extraConfig().to_vector(), plan.file,
                                                   config.hardware().device().to_vector())) {
        auto boot = config.bootOptions();
        boot.set_bootOrder(*order);
        config.set_bootOptions(boot);
    }
    if (spec.bootOptions()) {
        apply_boot_order(config, spec.bootOptions(),
                         [&](std::int32_t key) { return change.final_key(key); });
    }
}

std::vector<std::string> differences(const vim::Value& before, const vim::Value& now,
                                     const std::string& prefix) {
    std::vector<std::string> out;
    const auto properties = vim::describe(now.type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const std::string name = prefix + std::string(properties[i].name());
        if (before.slots()[i] == now.slots()[i]) continue;
        if (name == "modified" || name == "changeVersion") continue;
        if (name == "hardware") {
            for (auto& inner : differences(before.slots()[i], now.slots()[i], "hardware.")) {
                out.push_back(std::move(inner));
            }
        } else {
            out.push_back(name);
        }
    }
    return out;
}

ReconfigurePlan plan_change(const vmx::VmxFile& file, const ReadContext& context,
                            const VirtualMachineConfigSpec& spec, const Rules& rules,
                            base::Random& random, base::WallTime now) {
    const VirtualMachineConfigInfo before = config_from_vmx(file, context);
    check_change_version(before, spec);
    ReconfigurePlan plan;
    plan.file = file;
    VirtualMachineConfigInfo config = before;
    SecretOptions secrets;
    apply_options(config, spec, rules, secrets);
    apply_devices(config, spec, context, rules, random, plan);
    check_resources(config, rules);
    try {
        apply_to_vmx(plan.file, config, context.datastores);
        for (const auto& [key, value] : secrets) {
            if (value.empty()) {
                plan.file.remove(key);
            } else {
                plan.file.set(key, value);
            }
        }
        pin_hardware(plan.file, config.hardware().device().to_vector(), rules.machine_type);
        if (plan.file.to_string() != file.to_string()) {
            // Two changes within one tick of the clock still have two versions.
            const auto tick = std::chrono::microseconds(1);
            stamp_change(plan.file, std::max(now, before.modified() + tick));
        }
    } catch (const std::invalid_argument& error) {
        refuse_value("configSpec", error.what());
    }
    plan.config = config_from_vmx(plan.file, after(context, plan));
    plan.changed = differences(before, plan.config, "");
    return plan;
}

std::string fresh_uuid(base::Random& random, bool of_vmware) {
    std::string uuid = random.uuid();
    // What VMware generates begins with 56 4d ("VM"); some guests' tools look for it.
    if (of_vmware) uuid.replace(0, 4, "564d");
    return uuid;
}

}  // namespace

ReconfigurePlan reconfigure(const vmx::VmxFile& file, const ReadContext& context,
                            const VirtualMachineConfigSpec& spec, const Rules& rules,
                            base::Random& random, base::WallTime now) {
    return plan_change(file, context, spec, rules, random, now);
}

ReconfigurePlan plan_new_machine(const ReadContext& context, const VirtualMachineConfigSpec& spec,
                                 const Rules& rules, base::Random& random, base::WallTime now) {
    if (!spec.name()) refuse_value("configSpec.name", "is missing");
    auto files = vim::VirtualMachineFileInfo::make();
    files.set_vmPathName(context.vm_path);
    auto blank = config_from_vmx(vmx::VmxFile{}, context);
    blank.set_files(files);
    blank.set_name(checked_name(*spec.name()));
    blank.set_version("vmx-19");
    blank.set_uuid(fresh_uuid(random, true));
    blank.set_instanceUuid(fresh_uuid(random, false));
    blank.set_createDate(now);
    blank.set_modified(now);
    const auto hardware = blank.hardware();
    auto memory = hardware;
    memory.set_memoryMB(128);
    blank.set_hardware(memory);
    auto plan = plan_change(vmx_from_config(blank), context, spec, rules, random, now);
    plan.changed.clear();
    return plan;
}

vmx::VmxFile adopt(const vmx::VmxFile& file, const ReadContext& context, const Rules& rules,
                   base::Random& random) {
    vmx::VmxFile adopted = file;
    const auto config = config_from_vmx(file, context);
    const auto ensure = [&](std::string_view key, std::string_view present, bool of_vmware) {
        if (present.empty()) adopted.set(key, uuid_to_vmx(fresh_uuid(random, of_vmware)));
    };
    ensure("uuid.bios", config.uuid(), true);
    ensure("vc.uuid", config.instanceUuid().value_or(""), false);
    pin_hardware(adopted, config.hardware().device().to_vector(), rules.machine_type);
    return adopted;
}

std::vector<std::string> disks_named_by(const VirtualMachineConfigSpec& spec) {
    std::vector<std::string> out;
    for (const auto& change : spec.deviceChange()) {
        const auto backing =
            change.device() ? change.device().backing().as<vim::VirtualDiskFlatVer2BackingInfo>()
                            : vim::VirtualDiskFlatVer2BackingInfo();
        if (!backing) continue;
        if (change.operation() == ChangeOperation::add && !change.fileOperation() &&
            !backing.fileName().empty()) {
            out.emplace_back(backing.fileName());
        }
        if (backing.parent() && !backing.parent().fileName().empty()) {
            out.emplace_back(backing.parent().fileName());
        }
    }
    return out;
}

}  // namespace drover::machine
