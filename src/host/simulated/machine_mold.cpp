#include "host/simulated/machine_mold.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "machine/reconfigure.hpp"
#include "machine/uuid_text.hpp"

namespace drover::host {
namespace {

constexpr std::int32_t kScsiKey = 1000;
constexpr std::uint64_t kSectorBytes = 512;

vim::VirtualDeviceConfigSpec add(const vim::VirtualDevice& device) {
    auto spec = vim::VirtualDeviceConfigSpec::make();
    spec.set_operation(vim::VirtualDeviceConfigSpecOperation::add);
    spec.set_device(device);
    return spec;
}

vim::VirtualDeviceConfigSpec new_disk(std::int64_t size_gb) {
    auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
    backing.set_fileName("");
    backing.set_diskMode("persistent");
    backing.set_thinProvisioned(true);
    auto disk = vim::VirtualDisk::make();
    disk.set_key(-100);
    disk.set_controllerKey(kScsiKey);
    disk.set_unitNumber(0);
    disk.set_capacityInKB(size_gb << 20);
    disk.set_backing(backing);
    auto spec = add(disk);
    spec.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
    return spec;
}

vim::VirtualDeviceConfigSpec new_nic(const std::string& network) {
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    backing.set_deviceName(network);
    auto nic = vim::VirtualVmxnet3::make();
    nic.set_key(-200);
    nic.set_backing(backing);
    return add(nic);
}

vim::VirtualMachineConfigSpec spec_of(const MachineMold::Kind& kind, const std::string& name,
                                      const std::string& network) {
    auto controller = vim::ParaVirtualSCSIController::make();
    controller.set_key(kScsiKey);
    controller.set_busNumber(0);
    controller.set_sharedBus(vim::VirtualSCSISharing::noSharing);
    std::vector<vim::VirtualDeviceConfigSpec> changes{add(controller), new_disk(kind.disk_gb)};
    if (!network.empty()) changes.push_back(new_nic(network));
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_name(name);
    spec.set_guestId(kind.guest_id);
    spec.set_numCPUs(kind.vcpus);
    spec.set_memoryMB(kind.memory_mb);
    spec.set_deviceChange(changes);
    return spec;
}

vmx::DiskDescriptor describe(const machine::DiskToCreate& disk, const std::string& name) {
    vmx::DiskDescriptor made;
    made.extents.push_back({vmx::ExtentAccess::read_write,
                            static_cast<std::uint64_t>(disk.capacity_bytes) / kSectorBytes, "VMFS",
                            name + "-flat.raw", std::nullopt});
    made.set("drover.format", "raw");
    made.set("drover.provisioning", "thin");
    made.set_adapter(disk.adapter);
    made.set("ddb.uuid", machine::uuid_to_vmx(disk.uuid));
    made.set("ddb.virtualHWVersion", "7");
    made.set("ddb.thinProvisioned", "1");
    return made;
}

}  // namespace

const std::vector<MachineMold::Kind>& MachineMold::kinds() {
    static const std::vector<Kind> kinds{
        {"web", "debian11_64Guest", 1, 1024, 10},  {"app", "rhel8_64Guest", 2, 4096, 40},
        {"db", "ubuntu64Guest", 2, 8192, 100},     {"win", "windows2019srv_64Guest", 2, 4096, 60},
        {"desk", "windows9_64Guest", 1, 2048, 40}, {"test", "otherLinux64Guest", 1, 512, 8},
    };
    return kinds;
}

MachineMold::MachineMold(const Kind& kind, const std::string& datastore, const std::string& network,
                         const std::string& machine_type, base::Random& random)
    : kind_(kind), name_(own_name(0)) {
    machine::ReadContext context;
    context.vm_path = fmt::format("[{0}] {1}/{1}.vmx", datastore, name_);
    context.datastores[datastore] = {};
    if (!network.empty()) context.networks[network] = {vim::TypeId::Network, network};
    machine::Rules rules;
    rules.machine_type = machine_type;
    const auto now = base::WallTime(std::chrono::seconds(1'735'689'600));  // 2025 began
    const auto plan =
        machine::plan_new_machine(context, spec_of(kind, name_, network), rules, random, now);
    DROVER_CHECK(plan.create.size() == 1);
    file_ = plan.file;
    disk_ = describe(plan.create.front(), name_);
    for (const std::string& key : file_.keys()) {
        if (file_.get(key).value_or("").contains(name_)) named_keys_.push_back(key);
    }
}

std::string MachineMold::own_name(std::uint32_t number) const {
    return fmt::format("{}-{:05}", kind_.prefix, number);
}

CastMachine MachineMold::cast(std::uint32_t number, base::Random& random) const {
    CastMachine made;
    made.name = own_name(number);
    made.file = file_;
    for (const std::string& key : named_keys_) {
        std::string value = *made.file.get(key);
        value.replace(value.find(name_), name_.size(), made.name);
        made.file.set(key, value);
    }
    const std::string bios = machine::uuid_to_vmx(random.uuid());
    for (const char* key : {"uuid.bios", "uuid.location"}) {
        if (made.file.contains(key)) made.file.set(key, bios);
    }
    made.file.set("vc.uuid", machine::uuid_to_vmx(random.uuid()));
    if (made.file.contains("ethernet0.generatedAddress")) {
        made.file.set("ethernet0.generatedAddress",
                      fmt::format("00:0c:29:{:02x}:{:02x}:{:02x}", number >> 16 & 0xff,
                                  number >> 8 & 0xff, number & 0xff));
    }
    made.disk = disk_;
    made.disk.extents.front().file_name = made.name + "-flat.raw";
    made.disk_uuid = random.uuid();
    made.disk.set("ddb.uuid", machine::uuid_to_vmx(made.disk_uuid));
    made.disk.content_id = static_cast<std::uint32_t>(random.below(0xfffffff0));
    return made;
}

}  // namespace drover::host
