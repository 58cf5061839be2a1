#include "machine/device_change.hpp"

#include <algorithm>

namespace drover::machine {

using vim::VirtualDevice;

namespace {

constexpr std::size_t kMaxChanges = 1024;

bool is_controller(const VirtualDevice& device) {
    return device.is<vim::VirtualController>();
}

// Every machine has exactly one of each; clients may list them among the devices of a new machine.
bool is_built_in(const VirtualDevice& device) {
    return device.is<vim::VirtualIDEController>() || device.is<vim::VirtualPCIController>() ||
           device.is<vim::VirtualPS2Controller>() || device.is<vim::VirtualSIOController>() ||
           device.is<vim::VirtualKeyboard>() || device.is<vim::VirtualPointingDevice>() ||
           device.is<vim::VirtualMachineVideoCard>() || device.is<vim::VirtualMachineVMCIDevice>();
}

}  // namespace

DeviceChange::DeviceChange(const ReadContext& context, const Rules& rules, base::Random& random,
                           std::string machine_name, ReconfigurePlan& plan,
                           std::vector<VirtualDevice> devices)
    : context_(context),
      rules_(rules),
      random_(random),
      machine_name_(std::move(machine_name)),
      plan_(plan),
      devices_(std::move(devices)),
      taken_files_(rules.existing_files) {
    for (const auto& [name, facts] : context.disks) taken_files_.insert(name);
    for (const auto& device : devices_) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (backing) taken_files_.insert(std::string(backing.fileName()));
    }
}

void DeviceChange::apply(const std::vector<vim::VirtualDeviceConfigSpec>& specs) {
    if (specs.size() > kMaxChanges) refuse_value("configSpec.deviceChange", "has over 1024 items");
    std::vector<Change> changes;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const auto index = static_cast<std::int32_t>(i);
        const auto operation = specs[i].operation();
        if (!operation) refuse_device(index, "operation", "is missing");
        if (!specs[i].device()) refuse_device(index, "device", "is missing");
        changes.push_back({index, *operation, specs[i].fileOperation(), specs[i].device()});
    }
    for (const Change& change : changes) {
        if (change.operation == ChangeOperation::remove) remove(change);
    }
    for (const bool controllers : {true, false}) {
        for (const Change& change : changes) {
            if (is_controller(change.device) != controllers) continue;
            if (change.operation == ChangeOperation::add) add(change);
            if (change.operation == ChangeOperation::edit) edit(change);
        }
    }
    check_controllers();
    devices_ = arranged(std::move(devices_));
}

std::int32_t DeviceChange::final_key(std::int32_t key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? key : found->second;
}

VirtualDevice* DeviceChange::find(std::int32_t key) {
    const auto found = std::ranges::find(devices_, key, &VirtualDevice::key);
    return found == devices_.end() ? nullptr : &*found;
}

const VirtualDevice& DeviceChange::existing(const Change& change) {
    const VirtualDevice* found = find(final_key(change.device.key()));
    if (found == nullptr) {
        refuse_device<vim::DeviceNotFound>(
            change.index, "device.key",
            fmt::format("the machine has no device {}", change.device.key()));
    }
    return *found;
}

void DeviceChange::require_off(const Change& change) const {
    if (rules_.power_state != vim::VirtualMachinePowerState::poweredOff) {
        refuse_power_state(rules_.power_state, change_path(change.index, "device"));
    }
}

bool DeviceChange::is_running() const {
    return rules_.power_state == vim::VirtualMachinePowerState::poweredOn;
}

// What can come and go while the machine runs: network adapters, and disks on a SCSI controller.
bool DeviceChange::is_pluggable(const VirtualDevice& device) const {
    if (!is_running()) return false;
    if (device.is<vim::VirtualEthernetCard>()) return true;
    const auto place = controller_place(device.controllerKey().value_or(-1));
    return device.is<vim::VirtualDisk>() && place && place->bus == Bus::scsi;
}

void DeviceChange::store(const Change& change, VirtualDevice device) {
    const std::int32_t key = device.key();
    keys_[change.device.key()] = key;
    if (VirtualDevice* old = find(key)) {
        *old = std::move(device);
    } else {
        devices_.push_back(std::move(device));
    }
}

void DeviceChange::remove(const Change& change) {
    const VirtualDevice device = existing(change);
    if (!is_pluggable(device)) require_off(change);
    if (is_built_in(device)) {
        refuse_device<vim::InvalidDeviceOperation>(change.index, "operation",
                                                   "every machine has this device");
    }
    if (change.file_operation && change.file_operation != FileOperation::destroy) {
        refuse_device<vim::InvalidDeviceOperation>(change.index, "fileOperation",
                                                   "must be destroy for a device that is removed");
    }
    if (change.file_operation) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!device.is<vim::VirtualDisk>() || !backing) {
            refuse_device<vim::InvalidDeviceOperation>(change.index, "fileOperation",
                                                       "is for virtual disks only");
        }
        plan_.destroy.emplace_back(backing.fileName());
    }
    removed_.push_back(vmx_prefix(device));
    std::erase_if(devices_, [&](const auto& other) { return other.key() == device.key(); });
}

void DeviceChange::add(const Change& change) {
    const VirtualDevice& device = change.device;
    // Whether a disk's place can be plugged into is known when it has one.
    const bool may_plug = device.is<vim::VirtualDisk>() || device.is<vim::VirtualEthernetCard>();
    if (!may_plug || !is_running()) require_off(change);
    if (change.file_operation && !device.is<vim::VirtualDisk>()) {
        refuse_device<vim::InvalidDeviceOperation>(change.index, "fileOperation",
                                                   "is for virtual disks only");
    }
    if (is_built_in(device)) {
        // Stands for the one that is there: an IDE controller by its bus number, others by kind.
        for (const auto& present : devices_) {
            if (present.dynamic_type() != device.dynamic_type()) continue;
            const auto ide = device.as<vim::VirtualIDEController>();
            if (ide && ide.busNumber() != present.as<vim::VirtualController>().busNumber())
                continue;
            keys_[device.key()] = present.key();
            return;
        }
        auto fault = vim::TooManyDevices::make();
        fault.set_property(change_path(change.index, "device"));
        throw vim::Fault(fault, "the machine has all devices of this kind that it can have");
    }
    if (is_controller(device)) return add_controller(change);
    if (device.is<vim::VirtualDisk>()) return add_disk(change);
    if (device.is<vim::VirtualCdrom>()) return add_cdrom(change);
    if (device.is<vim::VirtualEthernetCard>()) return add_nic(change);
    if (device.is<vim::VirtualSerialPort>()) return add_serial(change);
    if (device.is<vim::VirtualFloppy>()) return add_floppy(change);
    refuse_device<vim::DeviceUnsupportedForVmPlatform>(
        change.index, "device",
        fmt::format("{} is not supported", vim::describe(device.dynamic_type()).name()));
}

void DeviceChange::edit(const Change& change) {
    const VirtualDevice present = existing(change);
    // Clients say "replace" with every edit of a disk; without another backing it means nothing.
    if (change.file_operation &&
        *change.file_operation != vim::VirtualDeviceConfigSpecFileOperation::replace) {
        refuse_device<vim::InvalidDeviceOperation>(change.index, "fileOperation",
                                                   "cannot stand with an edit");
    }
    if (present.dynamic_type() != change.device.dynamic_type()) {
        refuse_device(change.index, "device",
                      fmt::format("device {} is a {}", present.key(),
                                  vim::describe(present.dynamic_type()).name()));
    }
    if (present.is<vim::VirtualDisk>()) return edit_disk(change);
    if (present.is<vim::VirtualEthernetCard>()) return edit_nic(change);
    edit_other(change);
}

// Removing a controller must not leave devices behind that hang in the air.
void DeviceChange::check_controllers() const {
    for (const auto& device : devices_) {
        const auto key = device.controllerKey();
        if (!key || !(device.is<vim::VirtualDisk>() || device.is<vim::VirtualCdrom>())) continue;
        if (std::ranges::find(devices_, *key, &VirtualDevice::key) != devices_.end()) continue;
        auto fault = vim::MissingController::make();
        fault.set_deviceIndex(0);
        fault.set_property("configSpec.deviceChange");
        throw vim::Fault(fault, fmt::format("configSpec.deviceChange: device {} would be left "
                                            "without its controller {}",
                                            device.key(), *key));
    }
}

bool DeviceChange::is_free(const Place& place) const {
    return std::ranges::none_of(devices_, [&](const auto& device) {
        return device.key() == place.device_key() ||
               (device.controllerKey() == place.controller_key() &&
                device.unitNumber() == place.unit &&
                (device.template is<vim::VirtualDisk>() ||
                 device.template is<vim::VirtualCdrom>()));
    });
}

// Where a new disk or drive goes. QEMU's models have fewer units than VMware's; a place that could
// never be powered on is refused here.
Place DeviceChange::place_for(const Change& change, Bus fallback) {
    auto wanted = change.device.controllerKey();
    if (!wanted && fallback == Bus::ide) {
        for (std::int32_t number : {0, 1}) {
            for (std::int32_t unit : {0, 1}) {
                const Place place{Bus::ide, number, unit};
                if (is_free(place)) return place;
            }
        }
    }
    if (!wanted) {
        refuse_device<vim::MissingController>(change.index, "device.controllerKey", "is missing");
    }
    const std::int32_t controller_key = final_key(*wanted);
    const VirtualDevice* found = find(controller_key);
    const auto controller =
        found != nullptr ? found->as<vim::VirtualController>() : vim::VirtualController();
    auto place = controller_place(controller_key);
    if (!controller || !place) {
        auto fault = vim::InvalidController::make();
        fault.set_deviceIndex(change.index);
        fault.set_controllerKey(*wanted);
        fault.set_property(change_path(change.index, "device.controllerKey"));
        throw vim::Fault(fault,
                         fmt::format("{}: no controller for disks has the key {}",
                                     change_path(change.index, "device.controllerKey"), *wanted));
    }
    const bool lsi = place->bus == Bus::scsi && !controller.is<vim::ParaVirtualSCSIController>();
    const std::int32_t units = lsi ? 8 : place->bus == Bus::sata ? 6 : units_of(controller);
    const auto unit = change.device.unitNumber();
    if (unit && *unit >= 0) {
        if (*unit >= units || (place->bus == Bus::scsi && *unit == 7)) {
            refuse_device(change.index, "device.unitNumber",
                          fmt::format("{} is no unit of this controller", *unit));
        }
        place->unit = *unit;
        if (!is_free(*place)) {
            refuse_device(change.index, "device.unitNumber",
                          fmt::format("another device is at unit {}", *unit));
        }
        return *place;
    }
    for (place->unit = 0; place->unit < units; ++place->unit) {
        if (!(place->bus == Bus::scsi && place->unit == 7) && is_free(*place)) return *place;
    }
    auto fault = vim::TooManyDevices::make();
    fault.set_property(change_path(change.index, "device.controllerKey"));
    throw vim::Fault(fault, fmt::format("{}: the controller has no free unit",
                                        change_path(change.index, "device.controllerKey")));
}

// "" and "[ds]" and "[ds] dir/" leave the name to us: the machine's name, with a number if needed.
std::string DeviceChange::new_file_name(const Change& change, std::string_view wanted,
                                        vim::MoRef datastore, std::string_view extension) {
    DatastoreFile directory = machine_directory(context_.vm_path);
    const auto refuse_path = [&](std::string_view reason) {
        auto fault = vim::InvalidDatastorePath::make();
        fault.set_datastorePath(wanted);
        throw vim::Fault(fault, fmt::format("{}: {} \"{}\"",
                                            change_path(change.index, "device.backing.fileName"),
                                            reason, wanted.substr(0, 256)));
    };
    if (!wanted.empty()) {
        const auto parsed = DatastoreFile::parse(wanted);
        if (!parsed || parsed->outside()) refuse_path("is no path on a datastore:");
        const bool known = context_.datastores.contains(parsed->datastore) ||
                           parsed->datastore == directory.datastore;
        if (!known) refuse_path("names a datastore that is not there:");
        if (parsed->relative.ends_with(extension) && parsed->file_name() != extension) {
            return parsed->to_string();
        }
        if (!parsed->relative.empty() && !wanted.ends_with('/')) {
            refuse_path(fmt::format("must end in {}:", extension));
        }
        if (!parsed->relative.empty()) {
            directory = *parsed;
        } else {
            directory.datastore = parsed->datastore;
        }
    } else if (datastore) {
        for (const auto& [name, facts] : context_.datastores) {
            if (facts.reference == datastore) directory.datastore = name;
        }
    }
    for (int i = 0;; ++i) {
        const std::string number = i == 0 ? "" : fmt::format("_{}", i);
        const std::string name = fmt::format("{}{}{}", machine_name_, number, extension);
        std::string path = directory.child(name).to_string();
        if (!taken_files_.contains(path)) return path;
    }
}

}  // namespace drover::machine
