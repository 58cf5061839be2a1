#include "service/authorization/machine_privileges.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::service {

using task::Requirement;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

struct PropertyPrivilege {
    std::string_view property;
    std::string_view privilege;
};

// The properties of VirtualMachineConfigSpec; those that are not listed take Settings.
constexpr std::array kSpecPrivileges{
    PropertyPrivilege{"name", "VirtualMachine.Config.Rename"},
    PropertyPrivilege{"annotation", "VirtualMachine.Config.Annotation"},
    PropertyPrivilege{"numCPUs", "VirtualMachine.Config.CPUCount"},
    PropertyPrivilege{"numCoresPerSocket", "VirtualMachine.Config.CPUCount"},
    PropertyPrivilege{"simultaneousThreads", "VirtualMachine.Config.CPUCount"},
    PropertyPrivilege{"memoryMB", "VirtualMachine.Config.Memory"},
    PropertyPrivilege{"cpuAllocation", "VirtualMachine.Config.Resource"},
    PropertyPrivilege{"memoryAllocation", "VirtualMachine.Config.Resource"},
    PropertyPrivilege{"cpuAffinity", "VirtualMachine.Config.Resource"},
    PropertyPrivilege{"memoryAffinity", "VirtualMachine.Config.Resource"},
    PropertyPrivilege{"latencySensitivity", "VirtualMachine.Config.Resource"},
    PropertyPrivilege{"extraConfig", "VirtualMachine.Config.AdvancedConfig"},
    PropertyPrivilege{"swapPlacement", "VirtualMachine.Config.SwapPlacement"},
    PropertyPrivilege{"changeTrackingEnabled", "VirtualMachine.Config.ChangeTracking"},
    PropertyPrivilege{"maxMksConnections", "VirtualMachine.Config.MksControl"},
    PropertyPrivilege{"managedBy", "VirtualMachine.Config.ManagedBy"},
    PropertyPrivilege{"changeVersion", ""},
    PropertyPrivilege{"deviceChange", ""},
};

void add(std::vector<Requirement>& list, const MoRef& object, std::string_view privilege) {
    const Requirement made{object, privilege};
    if (privilege.empty() || std::ranges::find(list, made) != list.end()) return;
    list.push_back(made);
}

std::string_view text_of(const Value& value) {
    const bool is_text =
        value.kind() == vim::ValueKind::string || value.kind() == vim::ValueKind::enumeration;
    return is_text ? value.as_string() : std::string_view{};
}

Value property_of(const Value& object, std::string_view name) {
    return object.kind() == vim::ValueKind::object ? object.property(name) : Value{};
}

// The device of this key in the machine as it is.
Value present_device(const model::ManagedObject* machine, const Value& device) {
    if (machine == nullptr) return {};
    const Value key = property_of(device, "key");
    const Value config = machine->property(vim::property::VirtualMachine::config);
    const Value devices = property_of(property_of(config, "hardware"), "device");
    if (!key || !devices) return {};
    for (const Value& each : devices.elements()) {
        if (property_of(each, "key") == key) return each;
    }
    return {};
}

bool grows(const Value& disk, const Value& present) {
    const Value wanted_kb = property_of(disk, "capacityInKB");
    const Value present_kb = property_of(present, "capacityInKB");
    return wanted_kb && present_kb && wanted_kb.as_integer() > present_kb.as_integer();
}

std::string_view disk_privilege(const Value& change, const Value& device, const Value& present) {
    const auto operation = text_of(property_of(change, "operation"));
    const Value backing = property_of(device, "backing");
    const bool raw =
        backing && vim::is_a(backing.type(), TypeId::VirtualDiskRawDiskMappingVer1BackingInfo);
    if (operation == "remove") return "VirtualMachine.Config.RemoveDisk";
    if (operation == "add") {
        if (raw) return "VirtualMachine.Config.RawDevice";
        return property_of(change, "fileOperation") ? "VirtualMachine.Config.AddNewDisk"
                                                    : "VirtualMachine.Config.AddExistingDisk";
    }
    return grows(device, present) ? "VirtualMachine.Config.DiskExtend"
                                  : "VirtualMachine.Config.EditDevice";
}

std::string_view device_privilege(const Value& change, const Value& device) {
    if (text_of(property_of(change, "operation")) != "edit") {
        return vim::is_a(device.type(), TypeId::VirtualUSB)
                   ? "VirtualMachine.Config.HostUSBDevice"
                   : "VirtualMachine.Config.AddRemoveDevice";
    }
    if (vim::is_a(device.type(), TypeId::VirtualCdrom)) return "VirtualMachine.Interact.SetCDMedia";
    if (vim::is_a(device.type(), TypeId::VirtualFloppy)) {
        return "VirtualMachine.Interact.SetFloppyMedia";
    }
    return "VirtualMachine.Config.EditDevice";
}

void add_device(std::vector<Requirement>& list, const MoRef& on, const Value& change,
                const model::ManagedObject* machine, const FindDatastore& find_datastore) {
    const Value device = property_of(change, "device");
    if (device.kind() != vim::ValueKind::object) return;
    const Value backing = property_of(device, "backing");
    if (vim::is_a(device.type(), TypeId::VirtualDisk)) {
        add(list, on, disk_privilege(change, device, present_device(machine, device)));
        if (property_of(change, "fileOperation") &&
            text_of(property_of(change, "operation")) == "add") {
            const MoRef store =
                datastore_of(text_of(property_of(backing, "fileName")), find_datastore);
            if (store) add(list, store, "Datastore.AllocateSpace");
        }
        return;
    }
    // Making a machine takes no privilege for each device that it begins with.
    if (machine != nullptr) add(list, on, device_privilege(change, device));
    if (vim::is_a(device.type(), TypeId::VirtualEthernetCard) &&
        text_of(property_of(change, "operation")) != "remove") {
        const Value network = property_of(backing, "network");
        if (network.kind() == vim::ValueKind::moref) {
            add(list, network.as_moref(), "Network.Assign");
        }
    }
}

}  // namespace

MoRef datastore_of(std::string_view path, const FindDatastore& find_datastore) {
    if (!path.starts_with('[')) return {};
    const auto end = path.find(']');
    if (end == std::string_view::npos || !find_datastore) return {};
    return find_datastore(path.substr(1, end - 1));
}

void add_machine_requirements(std::vector<Requirement>& list, const MoRef& on, const Value& spec,
                              const model::ManagedObject* machine,
                              const FindDatastore& find_datastore) {
    if (spec.kind() != vim::ValueKind::object) return;
    const Value changes = property_of(spec, "deviceChange");
    if (changes) {
        for (const Value& change : changes.elements()) {
            add_device(list, on, change, machine, find_datastore);
        }
    }
    if (machine == nullptr) {
        const Value files = property_of(spec, "files");
        const MoRef store = datastore_of(text_of(property_of(files, "vmPathName")), find_datastore);
        if (store) add(list, store, "Datastore.AllocateSpace");
        return;
    }
    const auto properties = vim::describe(spec.type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        if (!spec.slots()[i]) continue;
        const auto known =
            std::ranges::find(kSpecPrivileges, properties[i].name(), &PropertyPrivilege::property);
        add(list, on,
            known != kSpecPrivileges.end() ? known->privilege : "VirtualMachine.Config.Settings");
    }
}

}  // namespace drover::service
