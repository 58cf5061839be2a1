#pragma once

// A small inventory for tests: root folder, a datacenter with its four folders, one cluster with a
// host and its pool, a datastore, a network, and as many machines as a test wants.

#include <fmt/format.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/inventory.hpp"
#include "model/property_collector.hpp"
#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::model::testing {

namespace property = vim::property;

/// Sees everything but what is hidden or forbidden.
class TestReader : public Reader {
public:
    explicit TestReader(std::string session = "alice", Release release = vim::newest_release())
        : session_(std::move(session)), release_(release) {}
    std::string_view session_key() const override { return session_; }
    Release release() const override { return release_; }
    bool may_view(const ManagedObject& object) const override {
        return !hidden.contains(object.id());
    }
    bool may_read(const ManagedObject& object, std::string_view) const override {
        return !unreadable.contains(object.id());
    }
    std::set<std::string> hidden;
    std::set<std::string> unreadable;

private:
    std::string session_;
    Release release_;
};

/// Jobs that the collectors scheduled; a test runs them when it likes.
class Jobs {
public:
    PropertyCollectors::Schedule schedule() {
        return [this](std::function<void()> job) { jobs_.push_back(std::move(job)); };
    }
    void run() {
        while (!jobs_.empty()) {
            for (const auto& job : std::exchange(jobs_, {})) job();
        }
    }
    void run_one() {
        const auto job = std::move(jobs_.front());
        jobs_.erase(jobs_.begin());
        job();
    }
    std::size_t waiting() const { return jobs_.size(); }

private:
    std::vector<std::function<void()>> jobs_;
};

struct World {
    Inventory inventory;
    MoRef root, datacenter, vm_folder, host_folder, datastore_folder, network_folder;
    MoRef cluster, host, pool, datastore, network;

    World() {
        Transaction tx(inventory);
        root = add(tx, TypeId::Folder, "group-d1", "Datacenters", {});
        datacenter = add(tx, TypeId::Datacenter, "datacenter-2", "dc", root);
        vm_folder = add(tx, TypeId::Folder, "group-v3", "vm", datacenter);
        host_folder = add(tx, TypeId::Folder, "group-h4", "host", datacenter);
        datastore_folder = add(tx, TypeId::Folder, "group-s5", "datastore", datacenter);
        network_folder = add(tx, TypeId::Folder, "group-n6", "network", datacenter);
        cluster = add(tx, TypeId::ClusterComputeResource, "domain-c7", "cluster", host_folder);
        host = add(tx, TypeId::HostSystem, "host-8", "10.0.0.1", cluster);
        pool = add(tx, TypeId::ResourcePool, "resgroup-9", "Resources", cluster);
        datastore = add(tx, TypeId::Datastore, "datastore-10", "store", datastore_folder);
        network = add(tx, TypeId::Network, "network-11", "VM Network", network_folder);
        tx.add_reference(root, property::Folder::childEntity, datacenter);
        tx.set(datacenter, property::Datacenter::vmFolder, Value::moref(vm_folder));
        tx.set(datacenter, property::Datacenter::hostFolder, Value::moref(host_folder));
        tx.set(datacenter, property::Datacenter::datastoreFolder, Value::moref(datastore_folder));
        tx.set(datacenter, property::Datacenter::networkFolder, Value::moref(network_folder));
        tx.add_reference(host_folder, property::Folder::childEntity, cluster);
        tx.add_reference(datastore_folder, property::Folder::childEntity, datastore);
        tx.add_reference(network_folder, property::Folder::childEntity, network);
        tx.add_reference(cluster, property::ComputeResource::host, host);
        tx.set(cluster, property::ComputeResource::resourcePool, Value::moref(pool));
        tx.set(pool, property::ResourcePool::owner, Value::moref(cluster));
        tx.commit();
    }

    static MoRef add(Transaction& tx, TypeId type, std::string id, std::string_view name,
                     const MoRef& parent) {
        const MoRef ref = tx.create(type, std::move(id));
        tx.set(ref, property::ManagedEntity::name, Value::string(name));
        if (parent) tx.set(ref, property::ManagedEntity::parent, Value::moref(parent));
        return ref;
    }

    MoRef add_machine(Transaction& tx, int number) const {
        const MoRef vm = add(tx, TypeId::VirtualMachine, fmt::format("vm-{}", number),
                             fmt::format("machine{}", number), vm_folder);
        tx.add_reference(vm_folder, property::Folder::childEntity, vm);
        tx.add_reference(pool, property::ResourcePool::vm, vm);
        tx.add_reference(host, property::HostSystem::vm, vm);
        tx.set(vm, property::VirtualMachine::resourcePool, Value::moref(pool));
        tx.set(vm, property::VirtualMachine::config, make_config(number));
        tx.set(vm, property::VirtualMachine::runtime,
               make_runtime(vim::VirtualMachinePowerState::poweredOff));
        return vm;
    }

    MoRef add_machine(int number) {
        Transaction tx(inventory);
        MoRef vm = add_machine(tx, number);
        tx.commit();
        return vm;
    }

    void remove_machine(Transaction& tx, const MoRef& vm) const {
        tx.remove_reference(vm_folder, property::Folder::childEntity, vm);
        tx.remove_reference(pool, property::ResourcePool::vm, vm);
        tx.remove_reference(host, property::HostSystem::vm, vm);
        tx.destroy(vm);
    }

    void remove_machine(const MoRef& vm) {
        Transaction tx(inventory);
        remove_machine(tx, vm);
        tx.commit();
    }

    void set(const MoRef& object, PropertyIndex index, Value value) {
        Transaction tx(inventory);
        tx.set(object, index, std::move(value));
        tx.commit();
    }

    void power(const MoRef& vm, vim::VirtualMachinePowerState state) {
        set(vm, property::VirtualMachine::runtime, make_runtime(state));
    }

    static Value make_runtime(vim::VirtualMachinePowerState state) {
        auto runtime = vim::VirtualMachineRuntimeInfo::make();
        runtime.set_powerState(state);
        return runtime.raw();
    }

    static vim::VirtualDisk make_disk(int key, std::int64_t capacity_kb) {
        auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
        backing.set_fileName(fmt::format("[store] disk{}.vmdk", key));
        auto description = vim::Description::make();
        description.set_label(fmt::format("Hard disk {}", key));
        auto disk = vim::VirtualDisk::make();
        disk.set_key(key);
        disk.set_backing(backing);
        disk.set_deviceInfo(description);
        disk.set_capacityInKB(capacity_kb);
        return disk;
    }

    static Value make_config(int number) {
        auto option = vim::OptionValue::make();
        option.set_key("guestinfo.a");
        option.set_value(Value::string("one"));
        auto hardware = vim::VirtualHardware::make();
        hardware.set_numCPU(2);
        hardware.set_memoryMB(512);
        hardware.set_device({make_disk(2000, 1024), make_disk(2001, 2048)});
        auto files = vim::VirtualMachineFileInfo::make();
        files.set_vmPathName(fmt::format("[store] machine{0}/machine{0}.vmx", number));
        auto config = vim::VirtualMachineConfigInfo::make();
        config.set_uuid(fmt::format("4200aaaa-0000-0000-0000-{:012}", number));
        config.set_instanceUuid(fmt::format("5000bbbb-0000-0000-0000-{:012}", number));
        config.set_files(files);
        config.set_hardware(hardware);
        config.set_extraConfig({option});
        return config.raw();
    }
};

inline vim::PropertySpec properties(std::string_view type,
                                    const std::vector<std::string_view>& paths, bool all = false) {
    auto spec = vim::PropertySpec::make();
    spec.set_type(type);
    if (all) spec.set_all(true);
    if (!paths.empty()) spec.set_pathSet(paths);
    return spec;
}

inline vim::SelectionSpec named(std::string_view name) {
    auto spec = vim::SelectionSpec::make();
    spec.set_name(name);
    return spec;
}

inline vim::TraversalSpec traversal(std::string_view name, std::string_view type,
                                    std::string_view path,
                                    const std::vector<vim::SelectionSpec>& next = {}) {
    auto spec = vim::TraversalSpec::make();
    if (!name.empty()) spec.set_name(name);
    spec.set_type(type);
    spec.set_path(path);
    if (!next.empty()) spec.set_selectSet(next);
    return spec;
}

inline vim::ObjectSpec start(const MoRef& object, const std::vector<vim::SelectionSpec>& next = {},
                             bool skip = false) {
    auto spec = vim::ObjectSpec::make();
    spec.set_obj(object);
    if (skip) spec.set_skip(true);
    if (!next.empty()) spec.set_selectSet(next);
    return spec;
}

inline vim::PropertyFilterSpec filter(const std::vector<vim::PropertySpec>& properties,
                                      const std::vector<vim::ObjectSpec>& objects) {
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet(properties);
    spec.set_objectSet(objects);
    return spec;
}

/// The traversal that the oldest clients use: every name refers to others, and to itself.
inline std::vector<vim::SelectionSpec> classic_traversal() {
    return {
        traversal("visitFolders", "Folder", "childEntity",
                  {named("visitFolders"), named("dcToVmf"), named("dcToHf"), named("crToH"),
                   named("crToRp"), named("rpToRp"), named("rpToVm"), named("hToVm")}),
        traversal("dcToVmf", "Datacenter", "vmFolder", {named("visitFolders")}),
        traversal("dcToHf", "Datacenter", "hostFolder", {named("visitFolders")}),
        traversal("crToH", "ComputeResource", "host", {named("hToVm")}),
        traversal("crToRp", "ComputeResource", "resourcePool", {named("rpToRp"), named("rpToVm")}),
        traversal("rpToRp", "ResourcePool", "resourcePool", {named("rpToRp"), named("rpToVm")}),
        traversal("rpToVm", "ResourcePool", "vm"),
        traversal("hToVm", "HostSystem", "vm", {named("visitFolders")})};
}

/// RetrieveProperties in one piece.
inline std::vector<vim::ObjectContent> retrieve(PropertyCollectors& collectors,
                                                const std::shared_ptr<TestReader>& reader,
                                                const std::vector<vim::PropertyFilterSpec>& specs) {
    auto retrieval = collectors.begin_retrieval(reader, collectors.well_known(), specs);
    while (!retrieval.advance(1'000'000)) continue;
    return vim::ArrayView<vim::ObjectContent>(retrieval.take()->contents()).to_vector();
}

/// The result of a retrieval in pages.
inline vim::RetrieveResult result_of(Retrieval retrieval) {
    while (!retrieval.advance(1'000'000)) continue;
    return vim::RetrieveResult(retrieval.take()->result());
}

/// The name of the fault that `call` throws; "none" if it throws none.
template <class Call>
std::string fault_of(Call call) {
    try {
        call();
    } catch (const vim::Fault& fault) {
        return std::string(vim::describe(fault.fault().dynamic_type()).name());
    }
    return "none";
}

}  // namespace drover::model::testing
