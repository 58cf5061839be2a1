#include "service/authorization/method_privileges.hpp"

#include <algorithm>
#include <unordered_map>

#include "service/authorization/evaluation.hpp"
#include "service/authorization/machine_privileges.hpp"
#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::service {

using model::ManagedObject;
using task::Call;
using task::Requirement;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

/// A call under inspection, and what it was found to take.
struct Inspection {
    const Call& call;
    const model::Inventory& inventory;
    const FindDatastore& find_datastore;
    std::vector<Requirement> found;

    const Value& argument(std::string_view name) const { return call.request.property(name); }
    std::string_view text(std::string_view name) const {
        const Value& value = argument(name);
        return value.kind() == vim::ValueKind::string ? value.as_string() : std::string_view{};
    }
    std::vector<MoRef> references(std::string_view name) const {
        std::vector<MoRef> list;
        const Value& value = argument(name);
        if (value.kind() == vim::ValueKind::moref) list.push_back(value.as_moref());
        if (value.kind() == vim::ValueKind::array) {
            for (const Value& each : value.elements()) {
                if (each.kind() == vim::ValueKind::moref) list.push_back(each.as_moref());
            }
        }
        return list;
    }
    void require(const MoRef& object, std::string_view privilege) {
        if (object && !privilege.empty()) found.push_back({object, privilege});
    }
    void on_self(std::string_view privilege) { require(call.self, privilege); }
    void on_parent(const MoRef& entity, std::string_view privilege) {
        const ManagedObject* object = inventory.find(entity);
        if (object != nullptr) require(parent_of(*object), privilege);
    }
    void on_datastore(std::string_view path_argument, std::string_view privilege) {
        require(datastore_of(text(path_argument), find_datastore), privilege);
    }
};

using Inspector = void (*)(Inspection&);

std::string_view rename_privilege(TypeId type) {
    if (vim::is_a(type, TypeId::VirtualMachine)) return "VirtualMachine.Config.Rename";
    if (vim::is_a(type, TypeId::Folder)) return "Folder.Rename";
    if (vim::is_a(type, TypeId::Datacenter)) return "Datacenter.Rename";
    if (vim::is_a(type, TypeId::Datastore)) return "Datastore.Rename";
    if (vim::is_a(type, TypeId::VirtualApp)) return "VApp.Rename";
    if (vim::is_a(type, TypeId::ResourcePool)) return "Resource.RenamePool";
    if (vim::is_a(type, TypeId::ComputeResource)) return "Host.Inventory.RenameCluster";
    if (vim::is_a(type, TypeId::DistributedVirtualSwitch)) return "DVSwitch.Modify";
    if (vim::is_a(type, TypeId::Network)) return "Network.Config";
    return "Global.Settings";
}

std::string_view move_privilege(TypeId type) {
    if (vim::is_a(type, TypeId::VirtualMachine)) return "VirtualMachine.Inventory.Move";
    if (vim::is_a(type, TypeId::Folder)) return "Folder.Move";
    if (vim::is_a(type, TypeId::Datacenter)) return "Datacenter.Move";
    if (vim::is_a(type, TypeId::Datastore)) return "Datastore.Move";
    if (vim::is_a(type, TypeId::ComputeResource)) return "Host.Inventory.MoveCluster";
    if (vim::is_a(type, TypeId::HostSystem)) return "Host.Inventory.MoveHost";
    if (vim::is_a(type, TypeId::DistributedVirtualSwitch)) return "DVSwitch.Move";
    if (vim::is_a(type, TypeId::Network)) return "Network.Move";
    return "Folder.Move";
}

void inspect_destroy(Inspection& at) {
    const auto privilege = removal_privilege(at.call.self.type);
    at.on_self(privilege);
    at.on_parent(at.call.self, privilege);
}

void inspect_rename(Inspection& at) {
    at.on_self(rename_privilege(at.call.self.type));
}

void inspect_move(Inspection& at) {
    for (const MoRef& moved : at.references("list")) {
        const auto privilege = move_privilege(moved.type);
        at.require(moved, privilege);
        at.on_parent(moved, privilege);
        at.on_self(privilege);
    }
}

void inspect_pool_move(Inspection& at) {
    for (const MoRef& moved : at.references("list")) {
        if (vim::is_a(moved.type, TypeId::VirtualMachine)) {
            at.on_self("Resource.AssignVMToPool");
        } else if (vim::is_a(moved.type, TypeId::VirtualApp)) {
            at.on_self("Resource.AssignVAppToPool");
        } else {
            at.require(moved, "Resource.MovePool");
            at.on_parent(moved, "Resource.MovePool");
            at.on_self("Resource.MovePool");
        }
    }
}

void inspect_create(Inspection& at) {
    add_machine_requirements(at.found, at.call.self, at.argument("config"), nullptr,
                             at.find_datastore);
}

void inspect_reconfigure(Inspection& at) {
    add_machine_requirements(at.found, at.call.self, at.argument("spec"),
                             at.inventory.find(at.call.self), at.find_datastore);
}

void inspect_clone(Inspection& at) {
    const ManagedObject* machine = at.inventory.find(at.call.self);
    const Value config =
        machine ? machine->property(vim::property::VirtualMachine::config) : Value{};
    const bool is_template = config &&
                             config.property("template").kind() == vim::ValueKind::boolean &&
                             config.property("template").as_boolean();
    const Value& spec = at.argument("spec");
    const bool makes_template = spec &&
                                spec.property("template").kind() == vim::ValueKind::boolean &&
                                spec.property("template").as_boolean();
    if (is_template) {
        at.on_self(makes_template ? "VirtualMachine.Provisioning.CloneTemplate"
                                  : "VirtualMachine.Provisioning.DeployTemplate");
    } else {
        at.on_self(makes_template ? "VirtualMachine.Provisioning.CreateTemplateFromVM"
                                  : "VirtualMachine.Provisioning.Clone");
    }
}

void inspect_migrate(Inspection& at) {
    const ManagedObject* machine = at.inventory.find(at.call.self);
    const Value runtime =
        machine ? machine->property(vim::property::VirtualMachine::runtime) : Value{};
    const bool is_on = runtime && runtime.property("powerState") &&
                       runtime.property("powerState").as_string() == "poweredOn";
    at.on_self(is_on ? "Resource.HotMigrate" : "Resource.ColdMigrate");
    // Where it goes, if it is told.
    const Value& spec = at.argument("spec");
    const auto wanted = [&](std::string_view name) {
        const Value& value = spec ? spec.property(name) : at.argument(name);
        const bool is_here =
            value.kind() == vim::ValueKind::moref && at.inventory.find(value.as_moref()) != nullptr;
        return is_here ? value.as_moref() : MoRef{};
    };
    const Value pool =
        machine ? machine->property(vim::property::VirtualMachine::resourcePool) : Value{};
    const MoRef to = wanted("pool");
    if (to && (!pool || pool.as_moref() != to)) at.require(to, "Resource.AssignVMToPool");
    if (!spec) return;
    at.require(wanted("datastore"), "Datastore.AllocateSpace");
    at.require(wanted("folder"), "VirtualMachine.Inventory.Move");
}

void inspect_search(Inspection& at) {
    at.on_datastore("datastorePath", "Datastore.Browse");
}

void inspect_file_copy(Inspection& at) {
    at.on_datastore("sourceName", "Datastore.FileManagement");
    at.on_datastore("destinationName", "Datastore.FileManagement");
    at.on_datastore("sourceDatastorePath", "Datastore.FileManagement");
    at.on_datastore("destinationDatastorePath", "Datastore.FileManagement");
    at.on_datastore("destName", "Datastore.FileManagement");
}

void inspect_file(Inspection& at) {
    at.on_datastore("name", "Datastore.FileManagement");
    at.on_datastore("datastorePath", "Datastore.FileManagement");
}

void inspect_pool_children(Inspection& at) {
    const Value& specs = at.argument("spec");
    if (specs.kind() != vim::ValueKind::array) return;
    for (const Value& spec : specs.elements()) {
        const Value& entity = spec.property("entity");
        if (entity.kind() != vim::ValueKind::moref) continue;
        const MoRef child = entity.as_moref();
        at.require(child, vim::is_a(child.type, TypeId::VirtualMachine)
                              ? "VirtualMachine.Config.Resource"
                              : "Resource.EditPool");
    }
}

template <class... Names>
void add_all(std::unordered_map<std::string_view, Inspector>& map, Inspector inspector,
             Names... names) {
    (map.emplace(names, inspector), ...);
}

const std::unordered_map<std::string_view, Inspector>& inspectors() {
    static const auto map = [] {
        std::unordered_map<std::string_view, Inspector> made;
        add_all(made, inspect_destroy, "Destroy_Task");
        add_all(made, inspect_rename, "Rename_Task");
        add_all(made, inspect_move, "MoveIntoFolder_Task");
        add_all(made, inspect_pool_move, "MoveIntoResourcePool");
        add_all(made, inspect_create, "CreateVM_Task", "CreateChildVM_Task");
        add_all(made, inspect_reconfigure, "ReconfigVM_Task");
        add_all(made, inspect_clone, "CloneVM_Task");
        add_all(made, inspect_migrate, "MigrateVM_Task", "RelocateVM_Task");
        add_all(made, inspect_search, "SearchDatastore_Task", "SearchDatastoreSubFolders_Task");
        add_all(made, inspect_file_copy, "CopyDatastoreFile_Task", "MoveDatastoreFile_Task",
                "CopyVirtualDisk_Task", "MoveVirtualDisk_Task");
        add_all(made, inspect_file, "DeleteDatastoreFile_Task", "MakeDirectory", "ChangeOwner",
                "CreateVirtualDisk_Task", "DeleteVirtualDisk_Task", "ExtendVirtualDisk_Task",
                "InflateVirtualDisk_Task", "ShrinkVirtualDisk_Task", "ZeroFillVirtualDisk_Task",
                "EagerZeroVirtualDisk_Task", "DefragmentVirtualDisk_Task",
                "QueryVirtualDiskFragmentation", "QueryVirtualDiskGeometry", "QueryVirtualDiskUuid",
                "SetVirtualDiskUuid", "QueryVirtualDiskInfo_Task");
        add_all(made, inspect_pool_children, "UpdateChildResourceConfiguration");
        const auto on_self = [&made](std::string_view method, Inspector inspector) {
            made.emplace(method, inspector);
        };
        on_self("CancelTask", [](Inspection& at) { at.on_self("Global.CancelTask"); });
        on_self("AcquireTicket",
                [](Inspection& at) { at.on_self("VirtualMachine.Interact.ConsoleInteract"); });
        on_self("UpdateConfig", [](Inspection& at) { at.on_self("Resource.EditPool"); });
        on_self("DestroyChildren", [](Inspection& at) { at.on_self("Resource.DeletePool"); });
        on_self("setCustomValue", [](Inspection& at) { at.on_self("Global.SetCustomField"); });
        on_self("UpdateOptions", [](Inspection& at) { at.on_self("Global.Settings"); });
        on_self("SetField", [](Inspection& at) {
            for (const MoRef& each : at.references("entity")) {
                at.require(each, "Global.SetCustomField");
            }
        });
        on_self("LogUserEvent", [](Inspection& at) {
            for (const MoRef& each : at.references("entity")) at.require(each, "Global.LogEvent");
        });
        for (const auto method :
             {"AddVirtualNic", "UpdateVirtualNic", "UpdateNetworkConfig",
              "AddServiceConsoleVirtualNic", "UpdateServiceConsoleVirtualNic"}) {
            on_self(method, [](Inspection& at) { at.on_self("Host.Config.Network"); });
        }
        return made;
    }();
    return map;
}

}  // namespace

std::string_view removal_privilege(TypeId type) {
    if (vim::is_a(type, TypeId::VirtualMachine)) return "VirtualMachine.Inventory.Delete";
    if (vim::is_a(type, TypeId::Folder)) return "Folder.Delete";
    if (vim::is_a(type, TypeId::Datacenter)) return "Datacenter.Delete";
    if (vim::is_a(type, TypeId::Datastore)) return "Datastore.Delete";
    if (vim::is_a(type, TypeId::VirtualApp)) return "VApp.Delete";
    if (vim::is_a(type, TypeId::ResourcePool)) return "Resource.DeletePool";
    if (vim::is_a(type, TypeId::ClusterComputeResource)) return "Host.Inventory.DeleteCluster";
    if (vim::is_a(type, TypeId::ComputeResource)) return "Host.Inventory.RemoveHostFromCluster";
    if (vim::is_a(type, TypeId::HostSystem)) return "Host.Inventory.RemoveHostFromCluster";
    if (vim::is_a(type, TypeId::DistributedVirtualSwitch)) return "DVSwitch.Delete";
    if (vim::is_a(type, TypeId::DistributedVirtualPortgroup)) return "DVPortgroup.Delete";
    if (vim::is_a(type, TypeId::Network)) return "Network.Delete";
    return "Global.Settings";
}

std::vector<Requirement> requirements_of(const Call& call, const model::Inventory& inventory,
                                         const FindDatastore& find_datastore) {
    Inspection at{call, inventory, find_datastore, {}};
    const auto inspector = inspectors().find(call.method->name());
    if (inspector != inspectors().end()) inspector->second(at);
    return std::move(at.found);
}

}  // namespace drover::service
