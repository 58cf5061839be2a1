#include "host/environment/config_option.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/environment/device_options.hpp"
#include "host/environment/guest_options.hpp"
#include "host/host_system/capability.hpp"
#include "host/host_system/capacity.hpp"
#include "host/host_system/object.hpp"
#include "host/references.hpp"
#include "machine/guest_os.hpp"

namespace drover::host {

using vim::TypeId;
using vim::Value;

namespace {

vim::VirtualHardwareOption make_hardware(int version, const Capacity& capacity) {
    auto made = vim::VirtualHardwareOption::make();
    made.set_hwVersion(version);
    made.set_virtualDeviceOption(make_device_options());
    made.set_deviceListReadonly(false);
    std::vector<std::int32_t> cpus;
    for (std::int32_t count = 1; count <= kMostVcpus; ++count) cpus.push_back(count);
    made.set_numCPU(cpus);
    made.set_numCoresPerSocket(int_option(1, kMostVcpus, 1));
    made.set_numCpuReadonly(false);
    constexpr std::int64_t least_mb = 4;
    const auto host_mb = static_cast<std::int64_t>(capacity.memory_bytes >> 20);
    made.set_memoryMB(
        long_option(least_mb, std::max(host_mb, least_mb),
                    std::clamp<std::int64_t>(2048, least_mb, std::max(host_mb, least_mb))));
    made.set_numPCIControllers(int_option(1, 1, 1));
    made.set_numIDEControllers(int_option(2, 2, 2));
    made.set_numUSBControllers(int_option(0, 1, 0));
    made.set_numUSBXHCIControllers(int_option(0, 1, 0));
    made.set_numSIOControllers(int_option(1, 1, 1));
    made.set_numPS2Controllers(int_option(1, 1, 1));
    made.set_resourceConfigOption(make_resource_options());
    return made;
}

// What is not true here is false; snapshots come with a later release of ours.
vim::VirtualMachineCapability make_capabilities(const hypervisor::HostInfo& info) {
    vim::VirtualMachineCapability made(all_false(TypeId::VirtualMachineCapability).raw());
    made.set_bootOptionsSupported(true);
    made.set_settingVideoRamSizeSupported(true);
    made.set_multipleCoresPerSocketSupported(true);
    made.set_secureBootSupported(std::ranges::any_of(
        info.uefi_firmware, [](const auto& firmware) { return firmware.secure_boot; }));
    return made;
}

}  // namespace

std::string hardware_key(int version) {
    return fmt::format("vmx-{:02}", version);
}

std::optional<int> hardware_version(std::string_view key) {
    for (int version = kOldestHardwareVersion; version <= kNewestHardwareVersion; ++version) {
        if (key == hardware_key(version)) return version;
    }
    return std::nullopt;
}

vim::VirtualMachineConfigOption make_config_option(const HostContext& context, int version,
                                                   const std::vector<std::string>& guest_ids) {
    const Capacity capacity = capacity_of(context.config, context.host_info);
    const bool has_uefi = !context.host_info.uefi_firmware.empty();
    std::vector<vim::GuestOsDescriptor> guests;
    for (const auto& guest : machine::guest_systems()) {
        const bool wanted =
            guest_ids.empty() || std::ranges::find(guest_ids, guest.id) != guest_ids.end();
        if (wanted) guests.push_back(describe_guest(guest, capacity, has_uefi));
    }
    std::int32_t usual = 0;
    for (std::size_t index = 0; index < guests.size(); ++index) {
        if (guests[index].id() == "otherGuest") usual = static_cast<std::int32_t>(index);
    }
    auto option = vim::VirtualMachineConfigOption::make();
    option.set_version(hardware_key(version));
    option.set_description(fmt::format("Virtual hardware version {}", version));
    option.set_guestOSDescriptor(guests);
    option.set_guestOSDefaultIndex(usual);
    option.set_hardwareOptions(make_hardware(version, capacity));
    option.set_capabilities(make_capabilities(context.host_info));
    option.set_datastore(make_data(
        TypeId::DatastoreOption,
        {{"unsupportedVolumes", Value::array(TypeId::VirtualMachineDatastoreVolumeOption, {})}}));
    option.set_supportedMonitorType({"release"});
    return option;
}

Value make_config_option_descriptors() {
    std::vector<Value> list;
    for (int version = kOldestHardwareVersion; version <= kNewestHardwareVersion; ++version) {
        auto made = vim::VirtualMachineConfigOptionDescriptor::make();
        made.set_key(hardware_key(version));
        made.set_description(fmt::format("Virtual hardware version {}", version));
        made.set_host({references::host});
        made.set_createSupported(true);
        made.set_defaultConfigOption(version == kUsualHardwareVersion);
        made.set_runSupported(true);
        made.set_upgradeSupported(true);
        list.push_back(made.raw());
    }
    return Value::array(TypeId::VirtualMachineConfigOptionDescriptor, std::move(list));
}

}  // namespace drover::host
