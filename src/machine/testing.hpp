#pragma once

// What the tests of this directory share.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "machine/config.hpp"
#include "machine/reconfigure.hpp"
#include "vim/fault.hpp"

namespace drover::machine {

inline vmx::VmxFile golden(const std::string& name) {
    std::ifstream in(std::string(DROVER_MACHINE_TESTDATA) + "/" + name);
    std::stringstream text;
    text << in.rdbuf();
    return vmx::VmxFile::parse(text.str()).value();
}

inline const base::WallTime kNow{std::chrono::seconds(1'700'000'000)};

inline ReadContext test_context() {
    ReadContext context;
    context.vm_path = "[ds1] web01/web01.vmx";
    context.modified = kNow - std::chrono::hours(1);
    const vim::MoRef first{vim::TypeId::Datastore, "ds-1"};
    const vim::MoRef second{vim::TypeId::Datastore, "ds-2"};
    context.datastores["ds1"] = {"ds:///vmfs/volumes/5f3a-1111/", "5f3a-1111", first};
    context.datastores["ds2"] = {"ds:///vmfs/volumes/5f3a-aaaa/", "5f3a-aaaa", second};
    context.networks["VM Network"] = {vim::TypeId::Network, "network-1"};
    context.networks["lab"] = {vim::TypeId::Network, "network-2"};
    DiskFacts facts;
    facts.capacity_bytes = 16LL << 30;
    facts.used_bytes = 1LL << 30;
    facts.uuid = "6000c293-0000-1111-2222-333344445555";
    facts.provisioning = Provisioning::thin;
    facts.extent_file = "[ds1] web01/web01-flat.raw";
    context.disks["[ds1] web01/web01.vmdk"] = facts;
    facts.parent = "[ds1] base/base.vmdk";
    context.disks["[ds2] web01/data.vmdk"] = facts;
    facts.parent.clear();
    facts.provisioning = Provisioning::thick_eager;
    context.disks["[ds1] base/base.vmdk"] = facts;
    return context;
}

template <class T>
T device_at(const vim::VirtualMachineConfigInfo& config, std::int32_t key) {
    for (const auto& device : config.hardware().device()) {
        if (device.key() == key) return device.as<T>();
    }
    return T();
}

inline vim::VirtualDeviceConfigSpec change(vim::VirtualDeviceConfigSpecOperation operation,
                                           const vim::VirtualDevice& device) {
    auto spec = vim::VirtualDeviceConfigSpec::make();
    spec.set_operation(operation);
    spec.set_device(device);
    return spec;
}

inline vim::VirtualDeviceConfigSpec add(const vim::VirtualDevice& device) {
    return change(vim::VirtualDeviceConfigSpecOperation::add, device);
}

inline vim::VirtualDeviceConfigSpec add_new(const vim::VirtualDevice& device) {
    auto spec = add(device);
    spec.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
    return spec;
}

inline vim::VirtualDeviceConfigSpec remove(std::int32_t key) {
    auto device = vim::VirtualDevice::make();
    device.set_key(key);
    return change(vim::VirtualDeviceConfigSpecOperation::remove, device);
}

inline vim::VirtualDisk disk(std::int32_t controller, std::int64_t capacity_kb,
                             std::string_view file = "") {
    auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
    backing.set_fileName(file);
    backing.set_diskMode("persistent");
    backing.set_thinProvisioned(true);
    auto made = vim::VirtualDisk::make();
    made.set_key(-100);
    made.set_controllerKey(controller);
    made.set_capacityInKB(capacity_kb);
    made.set_backing(backing);
    return made;
}

template <class T = vim::VirtualVmxnet3>
T nic(std::string_view network, std::string_view mac = "") {
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    backing.set_deviceName(network);
    auto made = T::make();
    made.set_key(-200);
    made.set_backing(backing);
    if (!mac.empty()) made.set_macAddress(mac);
    return made;
}

template <class T = vim::ParaVirtualSCSIController>
T controller(std::int32_t key, std::int32_t bus) {
    auto made = T::make();
    made.set_key(key);
    made.set_busNumber(bus);
    if constexpr (std::is_base_of_v<vim::VirtualSCSIController, T>) {
        made.set_sharedBus(vim::VirtualSCSISharing::noSharing);
    }
    return made;
}

inline vim::VirtualMachineConfigSpec with_changes(
    const std::vector<vim::VirtualDeviceConfigSpec>& changes) {
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange(changes);
    return spec;
}

/// Plans against the golden machine with a fixed seed.
inline ReconfigurePlan plan(const vim::VirtualMachineConfigSpec& spec, const Rules& rules = {}) {
    base::SeededRandom random(7);
    return reconfigure(golden("esx_linux.vmx"), test_context(), spec, rules, random, kNow);
}

/// The context in which a plan's result is read once it is carried out.
inline ReadContext carried_out(ReadContext context, const ReconfigurePlan& done) {
    for (const auto& job : done.create) {
        DiskFacts facts;
        facts.capacity_bytes = job.capacity_bytes;
        facts.provisioning = job.provisioning;
        facts.uuid = job.uuid;
        facts.parent = job.parent;
        context.disks[job.file] = facts;
    }
    for (const auto& job : done.grow) context.disks[job.file].capacity_bytes = job.capacity_bytes;
    return context;
}

}  // namespace drover::machine
