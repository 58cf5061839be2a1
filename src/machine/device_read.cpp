#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "machine/connection.hpp"
#include "machine/device_place.hpp"
#include "machine/device_vmx.hpp"
#include "machine/uuid_text.hpp"
#include "machine/vmx_section.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualDevice;

constexpr int kMaxChain = 64;

struct Source {
    const vmx::VmxFile& file;
    const ReadContext& context;
    DatastoreFile directory;

    VmxReader section(std::string_view prefix) const { return {file, prefix}; }
    std::string file_name(std::string_view name) const {
        if (name.empty() || name == "emptyBackingString") return {};
        return file_from_vmx(name, directory, context.datastores);
    }
};

template <class T>
T device(std::int32_t key) {
    T made = T::make();
    made.set_key(key);
    return made;
}

template <class T>
T on_controller(std::int32_t key, std::int32_t controller_key, std::int32_t unit) {
    T made = device<T>(key);
    made.set_controllerKey(controller_key);
    made.set_unitNumber(unit);
    return made;
}

void set_pci_slot(VirtualDevice& target, const VmxReader& section) {
    const std::int64_t number = section.number("pciSlotNumber", -1);
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) return;
    auto slot = vim::VirtualDevicePciBusSlotInfo::make();
    slot.set_pciSlotNumber(static_cast<std::int32_t>(number));
    target.set_slotInfo(vim::VirtualDeviceBusSlotInfo(slot.raw()));
}

void set_file(vim::VirtualDeviceFileBackingInfo& backing, const std::string& name,
              const Source& source) {
    backing.set_fileName(name);
    const auto parsed = DatastoreFile::parse(name);
    if (!parsed) return;
    const auto found = source.context.datastores.find(parsed->datastore);
    if (found != source.context.datastores.end() && found->second.reference) {
        backing.set_datastore(found->second.reference);
    }
}

void set_connection(VirtualDevice& target, const VmxReader& section, const Source& source) {
    auto info = vim::VirtualDeviceConnectInfo::make();
    info.set_startConnected(section.flag("startConnected", true));
    info.set_allowGuestControl(section.flag("allowGuestConnectionControl", true));
    info.set_migrateConnect("unset");
    target.set_connectable(info);
    show_connection(target, source.context.connected);
}

// What every machine has.
void add_fixed(std::vector<VirtualDevice>& out, const Source& source) {
    for (std::int32_t i = 0; i < facts_of(Bus::ide).controllers; ++i) {
        auto ide = device<vim::VirtualIDEController>(kIdeKey + i);
        ide.set_busNumber(i);
        out.emplace_back(ide.raw());
    }
    auto ps2 = device<vim::VirtualPS2Controller>(kPs2Key);
    ps2.set_busNumber(0);
    out.emplace_back(ps2.raw());
    auto pci = device<vim::VirtualPCIController>(kPciKey);
    pci.set_busNumber(0);
    out.emplace_back(pci.raw());
    auto sio = device<vim::VirtualSIOController>(kSioKey);
    sio.set_busNumber(0);
    out.emplace_back(sio.raw());
    out.emplace_back(on_controller<vim::VirtualKeyboard>(kKeyboardKey, kPs2Key, 0).raw());
    auto pointing = on_controller<vim::VirtualPointingDevice>(kPointingKey, kPs2Key, 1);
    auto pointing_backing = vim::VirtualPointingDeviceDeviceBackingInfo::make();
    pointing_backing.set_deviceName("");
    pointing_backing.set_useAutoDetect(false);
    pointing_backing.set_hostPointingDevice("autodetect");
    pointing.set_backing(vim::VirtualDeviceBackingInfo(pointing_backing.raw()));
    out.emplace_back(pointing.raw());

    const auto svga = source.section("svga");
    const auto mks = source.section("mks");
    auto video = on_controller<vim::VirtualMachineVideoCard>(kVideoKey, kPciKey, 0);
    video.set_videoRamSizeInKB(svga.number("vramSize", 4 << 20) / 1024);
    video.set_numDisplays(
        static_cast<std::int32_t>(std::clamp<std::int64_t>(svga.number("numDisplays", 1), 1, 10)));
    video.set_useAutoDetect(svga.flag("autodetect", false));
    video.set_enable3DSupport(mks.flag("enable3d", false));
    video.set_use3dRenderer(mks.text("use3dRenderer", "automatic"));
    video.set_graphicsMemorySizeInKB(svga.number("graphicsMemoryKB", 262144));
    out.emplace_back(video.raw());

    const auto section = source.section("vmci0");
    auto vmci = on_controller<vim::VirtualMachineVMCIDevice>(kVmciKey, kPciKey, 17);
    vmci.set_id(section.number("id", -1));
    vmci.set_allowUnrestrictedCommunication(section.flag("unrestricted", false));
    vmci.set_filterEnable(source.section("vmci").flag("filter.enable", true));
    set_pci_slot(vmci, section);
    out.emplace_back(vmci.raw());
}

vim::VirtualSCSIController scsi_controller(std::int32_t key, const std::string& model) {
    const std::string word = vmx::lower_case(model);
    if (word == "pvscsi") return device<vim::ParaVirtualSCSIController>(key);
    if (word == "lsisas1068") return device<vim::VirtualLsiLogicSASController>(key);
    if (word == "lsilogic") return device<vim::VirtualLsiLogicController>(key);
    return device<vim::VirtualBusLogicController>(key);
}

void add_controllers(std::vector<VirtualDevice>& out, const Source& source) {
    for (const BusFacts& facts : all_buses()) {
        for (std::int32_t i = 0; facts.bus != Bus::ide && i < facts.controllers; ++i) {
            const auto section = source.section(std::string(facts.name) + std::to_string(i));
            if (!section.present()) continue;
            const std::int32_t key = facts.controller_key + i;
            vim::VirtualController made;
            if (facts.bus == Bus::scsi) {
                auto scsi = scsi_controller(key, section.text("virtualDev"));
                const std::string sharing = section.text("sharedBus", "none");
                scsi.set_sharedBus(sharing == "virtual" ? vim::VirtualSCSISharing::virtualSharing
                                   : sharing == "physical"
                                       ? vim::VirtualSCSISharing::physicalSharing
                                       : vim::VirtualSCSISharing::noSharing);
                scsi.set_hotAddRemove(true);
                scsi.set_scsiCtlrUnitNumber(7);
                made = vim::VirtualController(scsi.raw());
            } else if (facts.bus == Bus::sata) {
                made = device<vim::VirtualAHCIController>(key);
            } else {
                made = device<vim::VirtualNVMEController>(key);
            }
            made.set_busNumber(i);
            made.set_controllerKey(kPciKey);
            const std::int32_t base = facts.bus == Bus::scsi ? 3 : facts.bus == Bus::sata ? 24 : 30;
            made.set_unitNumber(base + i);
            set_pci_slot(made, section);
            out.emplace_back(made.raw());
        }
    }
    if (const auto section = source.section("usb"); section.present()) {
        auto usb = on_controller<vim::VirtualUSBController>(kUsbKey, kPciKey, 22);
        usb.set_busNumber(0);
        usb.set_autoConnectDevices(section.flag("generic.autoconnect", false));
        usb.set_ehciEnabled(source.section("ehci").present());
        set_pci_slot(usb, section);
        out.emplace_back(usb.raw());
    }
    if (const auto section = source.section("usb_xhci"); section.present()) {
        auto usb = on_controller<vim::VirtualUSBXHCIController>(kXhciKey, kPciKey, 23);
        usb.set_busNumber(0);
        usb.set_autoConnectDevices(section.flag("generic.autoconnect", false));
        set_pci_slot(usb, section);
        out.emplace_back(usb.raw());
    }
}

std::string mode_from_vmx(std::string mode) {
    mode = vmx::lower_case(mode);
    std::ranges::replace(mode, '-', '_');
    return vim::parse_enum<vim::VirtualDiskMode>(mode) ? mode : "persistent";
}

vim::VirtualDiskFlatVer2BackingInfo backing_of(const std::string& name, const std::string& mode,
                                               const Source& source, int depth) {
    auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
    set_file(backing, name, source);
    backing.set_backingObjectId("");
    backing.set_diskMode(mode);
    backing.set_split(false);
    backing.set_writeThrough(false);
    backing.set_digestEnabled(false);
    backing.set_sharing("sharingNone");
    const auto found = source.context.disks.find(name);
    if (found == source.context.disks.end()) return backing;
    const DiskFacts& facts = found->second;
    backing.set_thinProvisioned(facts.provisioning == Provisioning::thin);
    if (facts.provisioning == Provisioning::thick_eager) backing.set_eagerlyScrub(true);
    if (!facts.uuid.empty()) backing.set_uuid(facts.uuid);
    if (!facts.content_id.empty()) backing.set_contentId(facts.content_id);
    if (!facts.parent.empty() && depth < kMaxChain) {
        backing.set_parent(backing_of(facts.parent, mode, source, depth + 1));
    }
    return backing;
}

VirtualDevice read_disk(const VmxReader& section, const Place& place, const Source& source) {
    auto disk =
        on_controller<vim::VirtualDisk>(place.device_key(), place.controller_key(), place.unit);
    const std::string name = source.file_name(section.text("fileName"));
    auto backing = backing_of(name, mode_from_vmx(section.text("mode", "persistent")), source, 0);
    backing.set_writeThrough(section.flag("writeThrough", false));
    if (section.text("sharing") == "multi-writer") backing.set_sharing("sharingMultiWriter");
    disk.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));

    const auto found = source.context.disks.find(name);
    const std::int64_t bytes =
        found == source.context.disks.end() ? 0 : found->second.capacity_bytes;
    disk.set_capacityInBytes(bytes);
    disk.set_capacityInKB(bytes / 1024);

    const auto scheduling = source.section("sched." + place.prefix());
    const auto shares = shares_from_text(scheduling.text("shares", "normal"), kDiskShares);
    auto io = vim::StorageIOAllocationInfo::make();
    io.set_limit(scheduling.number("throughputCap", -1));
    io.set_shares(shares);
    io.set_reservation(0);
    disk.set_shares(shares);
    disk.set_storageIOAllocation(io);
    disk.set_diskObjectId("1-" + std::to_string(place.device_key()));
    disk.set_nativeUnmanagedLinkedClone(false);
    return VirtualDevice(disk.raw());
}

VirtualDevice read_cdrom(const VmxReader& section, const Place& place, const Source& source,
                         const std::string& type) {
    auto drive =
        on_controller<vim::VirtualCdrom>(place.device_key(), place.controller_key(), place.unit);
    vim::VirtualDeviceBackingInfo backing;
    const std::string name = section.text("fileName");
    const std::string host_device = name == "auto detect" ? std::string{} : name;
    const bool automatic = section.flag("autodetect", name == "auto detect");
    if (type == "cdrom-image") {
        auto iso = vim::VirtualCdromIsoBackingInfo::make();
        set_file(iso, source.file_name(name), source);
        backing = vim::VirtualDeviceBackingInfo(iso.raw());
    } else if (section.flag("clientDevice", false) && type == "atapi-cdrom") {
        auto remote = vim::VirtualCdromRemoteAtapiBackingInfo::make();
        remote.set_deviceName(host_device);
        remote.set_useAutoDetect(automatic);
        backing = vim::VirtualDeviceBackingInfo(remote.raw());
    } else if (section.flag("clientDevice", false)) {
        auto remote = vim::VirtualCdromRemotePassthroughBackingInfo::make();
        remote.set_deviceName(host_device);
        remote.set_useAutoDetect(automatic);
        remote.set_exclusive(section.flag("exclusive", false));
        backing = vim::VirtualDeviceBackingInfo(remote.raw());
    } else if (type == "atapi-cdrom") {
        auto atapi = vim::VirtualCdromAtapiBackingInfo::make();
        atapi.set_deviceName(host_device);
        atapi.set_useAutoDetect(automatic);
        backing = vim::VirtualDeviceBackingInfo(atapi.raw());
    } else {
        auto raw = vim::VirtualCdromPassthroughBackingInfo::make();
        raw.set_deviceName(host_device);
        raw.set_useAutoDetect(automatic);
        raw.set_exclusive(section.flag("exclusive", false));
        backing = vim::VirtualDeviceBackingInfo(raw.raw());
    }
    drive.set_backing(backing);
    set_connection(drive, section, source);
    return VirtualDevice(drive.raw());
}

// The units that keys like "scsi0:3.present" are about.
std::set<std::int32_t> units_named(const vmx::VmxFile& file, const std::string& bus) {
    std::set<std::int32_t> units;
    for (const std::string& key : file.keys(bus + ":")) {
        std::int32_t unit = -1;
        const auto number = std::string_view(key).substr(bus.size() + 1);
        std::from_chars(number.data(), number.data() + number.size(), unit);
        units.insert(unit);
    }
    return units;
}

void add_storage(std::vector<VirtualDevice>& out, const Source& source) {
    for (const BusFacts& facts : all_buses()) {
        for (std::int32_t c = 0; c < facts.controllers; ++c) {
            const auto bus = std::string(facts.name) + std::to_string(c);
            if (facts.bus != Bus::ide && !source.section(bus).present()) continue;
            for (const std::int32_t unit : units_named(source.file, bus)) {
                if (unit < 0 || unit >= facts.units) continue;
                const Place place{facts.bus, c, unit};
                const auto section = source.section(place.prefix());
                if (!section.present() || (facts.bus == Bus::scsi && unit == 7)) continue;
                const auto type = vmx::lower_case(section.text("deviceType"));
                const bool drive = type.starts_with("cdrom") || type == "atapi-cdrom";
                out.push_back(drive ? read_cdrom(section, place, source, type)
                                    : read_disk(section, place, source));
            }
        }
    }
}

vim::VirtualEthernetCard nic_of_model(std::int32_t key, const std::string& model) {
    const std::string word = vmx::lower_case(model);
    if (word == "vmxnet3") {
        auto nic = device<vim::VirtualVmxnet3>(key);
        nic.set_uptv2Enabled(false);
        return nic;
    }
    if (word == "e1000") return device<vim::VirtualE1000>(key);
    if (word == "e1000e") return device<vim::VirtualE1000e>(key);
    if (word == "vmxnet") return device<vim::VirtualVmxnet2>(key);
    return device<vim::VirtualPCNet32>(key);
}

vim::VirtualDeviceBackingInfo nic_backing(const VmxReader& section, const Source& source) {
    if (section.has("dvs.switchId")) {
        auto backing = vim::VirtualEthernetCardDistributedVirtualPortBackingInfo::make();
        vim::Value port = vim::make_object(vim::TypeId::DistributedVirtualSwitchPortConnection);
        const auto set = [&](std::string_view name, const vim::Value& value) {
            port.set_slot(*vim::describe(port.type()).find_property(name), value);
        };
        set("switchUuid", vim::Value::string(section.text("dvs.switchId")));
        set("portgroupKey", vim::Value::string(section.text("dvs.portgroupId")));
        set("portKey", vim::Value::string(section.text("dvs.portId")));
        backing.set_port(vim::DataHandle(port));
        return vim::VirtualDeviceBackingInfo(backing.raw());
    }
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    const std::string name = section.text("networkName");
    backing.set_deviceName(name);
    backing.set_useAutoDetect(false);
    const auto found = source.context.networks.find(name);
    if (found != source.context.networks.end()) backing.set_network(found->second);
    return vim::VirtualDeviceBackingInfo(backing.raw());
}

void add_nics(std::vector<VirtualDevice>& out, const Source& source) {
    for (std::int32_t i = 0; i < kMaxNics; ++i) {
        const auto section = source.section("ethernet" + std::to_string(i));
        if (!section.present()) continue;
        auto nic = nic_of_model(kEthernetKey + i, section.text("virtualDev"));
        nic.set_controllerKey(kPciKey);
        nic.set_unitNumber(7 + i);
        nic.set_backing(nic_backing(section, source));
        const auto type = vmx::lower_case(section.text("addressType", "generated"));
        const bool fixed = type == "static";
        nic.set_addressType(fixed ? "manual" : type == "vpx" ? "assigned" : "generated");
        const auto mac = parse_mac(section.text(fixed ? "address" : "generatedAddress"));
        if (mac) nic.set_macAddress(*mac);
        nic.set_wakeOnLanEnabled(section.flag("wakeOnPcktRcv", true));
        nic.set_uptCompatibilityEnabled(section.flag("uptCompatibility", false));
        if (section.has("externalId")) nic.set_externalId(section.text("externalId"));
        set_connection(nic, section, source);
        set_pci_slot(nic, section);
        out.emplace_back(nic.raw());
    }
}

vim::VirtualDeviceBackingInfo serial_backing(const VmxReader& section, const Source& source) {
    const std::string type = vmx::lower_case(section.text("fileType", "device"));
    const std::string name = section.text("fileName");
    if (type == "file") {
        auto file = vim::VirtualSerialPortFileBackingInfo::make();
        set_file(file, source.file_name(name), source);
        return vim::VirtualDeviceBackingInfo(file.raw());
    }
    if (type == "pipe") {
        auto pipe = vim::VirtualSerialPortPipeBackingInfo::make();
        pipe.set_pipeName(name);
        pipe.set_endpoint(section.text("pipe.endPoint", "client"));
        pipe.set_noRxLoss(section.flag("tryNoRxLoss", false));
        return vim::VirtualDeviceBackingInfo(pipe.raw());
    }
    if (type == "network") {
        auto uri = vim::VirtualSerialPortURIBackingInfo::make();
        uri.set_serviceURI(name);
        uri.set_direction(section.text("network.endPoint", "client"));
        if (section.has("vspc")) uri.set_proxyURI(section.text("vspc"));
        return vim::VirtualDeviceBackingInfo(uri.raw());
    }
    auto host = vim::VirtualSerialPortDeviceBackingInfo::make();
    host.set_deviceName(name);
    host.set_useAutoDetect(section.flag("autodetect", false));
    return vim::VirtualDeviceBackingInfo(host.raw());
}

void add_ports_and_floppies(std::vector<VirtualDevice>& out, const Source& source) {
    for (std::int32_t i = 0; i < kMaxSerialPorts; ++i) {
        const auto section = source.section("serial" + std::to_string(i));
        if (!section.present()) continue;
        auto port = on_controller<vim::VirtualSerialPort>(kSerialKey + i, kSioKey, i);
        port.set_yieldOnPoll(section.flag("yieldOnMsrRead", false));
        port.set_backing(serial_backing(section, source));
        set_connection(port, section, source);
        out.emplace_back(port.raw());
    }
    for (std::int32_t i = 0; i < kMaxFloppies; ++i) {
        const auto section = source.section("floppy" + std::to_string(i));
        if (!section.present()) continue;
        auto floppy = on_controller<vim::VirtualFloppy>(kFloppyKey + i, kSioKey, i);
        const std::string name = section.text("fileName");
        if (vmx::lower_case(section.text("fileType", "device")) == "file") {
            auto image = vim::VirtualFloppyImageBackingInfo::make();
            set_file(image, source.file_name(name), source);
            floppy.set_backing(vim::VirtualDeviceBackingInfo(image.raw()));
        } else if (section.flag("clientDevice", false)) {
            auto remote = vim::VirtualFloppyRemoteDeviceBackingInfo::make();
            remote.set_deviceName(name);
            remote.set_useAutoDetect(section.flag("autodetect", false));
            floppy.set_backing(vim::VirtualDeviceBackingInfo(remote.raw()));
        } else {
            auto host = vim::VirtualFloppyDeviceBackingInfo::make();
            host.set_deviceName(name);
            host.set_useAutoDetect(section.flag("autodetect", false));
            floppy.set_backing(vim::VirtualDeviceBackingInfo(host.raw()));
        }
        set_connection(floppy, section, source);
        out.emplace_back(floppy.raw());
    }
}

}  // namespace

std::vector<VirtualDevice> storage_from_vmx(const vmx::VmxFile& file, const ReadContext& context) {
    std::vector<VirtualDevice> out;
    add_storage(out, {file, context, machine_directory(context.vm_path)});
    return out;
}

std::vector<VirtualDevice> devices_from_vmx(const vmx::VmxFile& file, const ReadContext& context) {
    const Source source{file, context, machine_directory(context.vm_path)};
    std::vector<VirtualDevice> out;
    add_fixed(out, source);
    add_controllers(out, source);
    add_storage(out, source);
    add_nics(out, source);
    add_ports_and_floppies(out, source);
    return arranged(std::move(out));
}

}  // namespace drover::machine
