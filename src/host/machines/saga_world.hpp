#pragma once

// For tests of operations of several steps: a host with two real datastores, its services of
// machines, an engine of which each call can fail, and a journal of which each write can fail.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/files/test_host.hpp"
#include "host/host_system/simulated_host.hpp"
#include "host/machines/create.hpp"
#include "host/machines/destroy.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/live_relocation.hpp"
#include "host/machines/reconfigure.hpp"
#include "host/machines/relocate.hpp"
#include "hypervisor/simulated/simulated_hypervisor.hpp"
#include "task/failing_store.hpp"
#include "vim/relocation_types.hpp"

namespace drover::host {

/// Moves disks of the one domain that it runs, at once.
class DiskMover final : public simulated::FakeHypervisor {
public:
    std::optional<Uuid> running;
    hypervisor::DomainInfo shown{};  ///< of the one that runs, but for its UUID
    int resumed = 0;
    std::map<std::string, hypervisor::DiskMove> disks;  ///< by target
    int calls = 0;
    std::set<int> failing;                   ///< these calls fail, counted from 1
    std::function<void(int)> before_call{};  ///< what happens meanwhile

    std::optional<hypervisor::DomainInfo> find(const Uuid& uuid) override {
        meet(false);
        if (running != uuid) return std::nullopt;
        hypervisor::DomainInfo info = shown;
        info.uuid = uuid;
        return info;
    }
    void resume(const Uuid&) override {
        meet();
        ++resumed;
    }
    std::vector<hypervisor::DiskMove> disk_moves(const Uuid&) override {
        meet();
        std::vector<hypervisor::DiskMove> all;
        for (const auto& [target, disk] : disks) all.push_back(disk);
        return all;
    }
    void begin_disk_move(const Uuid&, const std::string& target,
                         const hypervisor::DiskImage& to) override {
        meet();
        auto& disk = disks.at(target);
        disk.destination_path = to.path;
        disk.ready = true;
    }
    void finish_disk_move(const Uuid&, const std::string& target) override {
        meet();
        auto& disk = disks.at(target);
        if (!disk.ready) {
            throw hypervisor::HypervisorError(hypervisor::ErrorKind::invalid_state, "not ready");
        }
        disk.path = disk.destination_path;
        stop(disk);
    }
    void cancel_disk_move(const Uuid&, const std::string& target) override {
        meet();
        stop(disks.at(target));
    }
    void attach_disk(const Uuid&, const hypervisor::DomainSpec&,
                     const hypervisor::DiskSpec& disk) override {
        meet();
        hypervisor::DiskMove made;
        made.target = hypervisor::disk_target(disk);
        made.path = disk.image->path;
        disks[made.target] = made;
    }
    void detach_disk(const Uuid&, const std::string& target) override {
        meet();
        if (disks.erase(target) == 0) {
            throw hypervisor::HypervisorError(hypervisor::ErrorKind::not_found, "no such disk");
        }
    }
    void set_metadata(const Uuid&, const std::map<std::string, std::string>&) override { meet(); }

    void stop(hypervisor::DiskMove& disk) {
        disk.destination_path.clear();
        disk.ready = false;
    }

private:
    void meet(bool needs_domain = true) {
        using hypervisor::ErrorKind;
        ++calls;
        if (before_call) before_call(calls);
        if (failing.contains(calls)) {
            throw hypervisor::HypervisorError(ErrorKind::internal, "the engine fails");
        }
        if (needs_domain && !running) {
            throw hypervisor::HypervisorError(ErrorKind::not_found, "no such domain");
        }
    }
};

class SagaWorld {
public:
    SagaWorld() {
        host.host_info = hypervisor::simulated_host_info();
        host.run(pools.start());
        host.run(machines.start());
        create.serve();
        destroy.serve();
        reconfigure.serve();
        relocate.serve();
    }

    /// What the datastores hold, by path: small files in full, leases by who has them, disks by
    /// size; and what is registered.
    std::map<std::string, std::string> picture() {
        std::map<std::string, std::string> found;
        for (const char* datastore : {"one", "two"}) collect(datastore, found);
        for (const auto& record : host.store->load(Machines::kRecordKind)) {
            found["record " + record.id] = record.value;
        }
        for (const auto& [target, disk] : engine.disks) found["running " + target] = disk.path;
        return found;
    }

    /// No operation under way, says what is stored.
    bool is_settled() {
        return host.store->load("saga").empty() && host.store->load("saga_step").empty() &&
               host.store->load(LiveRelocation::kRecordKind).empty();
    }

    /// A machine `name` on [one] with a thin and a thick disk.
    vim::MoRef make_machine(const std::string& name) { return create_machine(name).value(); }
    /// Unset if it failed.
    std::optional<vim::MoRef> create_machine(const std::string& name) {
        auto files = vim::VirtualMachineFileInfo::make();
        files.set_vmPathName("[one]");
        auto spec = vim::VirtualMachineConfigSpec::make();
        spec.set_name(name);
        spec.set_files(files);
        spec.set_deviceChange({controller(), new_disk(0, true), new_disk(1, false)});
        auto request = vim::CreateVM_TaskRequest::make();
        request.set_config(spec);
        request.set_pool(references::root_pool);
        const auto made = attempt(references::vm_folder, "CreateVM_Task", request);
        return made ? std::optional(made->as_moref()) : std::nullopt;
    }

    /// The result of a task; unset if it failed.
    template <class Request>
    std::optional<vim::Value> attempt(const vim::MoRef& self, std::string_view method,
                                      const Request& request) {
        try {
            return host.call_task(self, method, request);
        } catch (const vim::Fault& fault) {
            last_failure = fault.message();
            return std::nullopt;
        }
    }

    static vim::VirtualDeviceConfigSpec controller() {
        auto device = vim::ParaVirtualSCSIController::make();
        device.set_key(1000);
        device.set_busNumber(0);
        device.set_sharedBus(vim::VirtualSCSISharing::noSharing);
        auto change = vim::VirtualDeviceConfigSpec::make();
        change.set_operation(vim::VirtualDeviceConfigSpecOperation::add);
        change.set_device(device);
        return change;
    }
    static vim::VirtualDeviceConfigSpec new_disk(std::int32_t unit, bool thin) {
        auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
        backing.set_fileName("");
        backing.set_diskMode("persistent");
        backing.set_thinProvisioned(thin);
        auto device = vim::VirtualDisk::make();
        device.set_key(-100 - unit);
        device.set_controllerKey(1000);
        device.set_unitNumber(unit);
        device.set_capacityInKB(1024);
        device.set_backing(backing);
        auto change = vim::VirtualDeviceConfigSpec::make();
        change.set_operation(vim::VirtualDeviceConfigSpecOperation::add);
        change.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
        change.set_device(device);
        return change;
    }

    /// The machine seems to run from now on, with the lease in our hands.
    void run_domain(const vim::MoRef& ref) {
        const MachinePtr machine = machines.get(ref);
        host.run(leases.acquire(machine));
        engine.running = machine->uuid();
        machine->domain.emplace();
        machine->domain->uuid = machine->uuid();
        engine.disks.clear();
        int unit = 0;
        for (const auto& device : machine->config.hardware().device()) {
            if (!device.is<vim::VirtualDisk>()) continue;
            const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
            hypervisor::DiskMove disk;
            disk.target = std::string("sd") + static_cast<char>('a' + unit++);
            disk.path = data_of(std::string(backing.fileName()));
            engine.disks[disk.target] = disk;
        }
    }
    /// The data of a disk as the engine opens it.
    std::string data_of(const std::string& disk) {
        const auto path = Datastores::parse_path(disk);
        return host.files(path.datastore())
            .volumes()
            .describe_disk(path)
            .chain.front()
            .host_path.string();
    }

    files::TestHost host;
    DiskMover engine;
    task::FailingStore failing{*host.store};
    store::Journal journal{failing};
    task::SagaRunner sagas{host.runtime, journal, [this] { return host.random.uuid(); }};
    const HostBasics basics{
        .config = host.config,
        .host_uuid = "this-host",
        .runtime = host.runtime,
        .random = host.random,
        .inventory = host.inventory,
        .dispatcher = host.dispatcher,
        .tasks = host.tasks,
        .sagas = sagas,
        .store = *host.store,
        .hypervisor = engine,
        .host_info = host.host_info,
        .rootd = nullptr,
        .readers = host.basics.readers,
        .events = host.events,
    };
    const HostContext context{basics, host.datastores, host.networks};
    Machines machines{context};
    Leases leases{context};
    Create create{context, machines};
    ResourcePools pools{context, machines};
    Destroy destroy{context, machines, pools};
    Reconfigure reconfigure{context, machines};
    Relocate relocate{context, machines, leases, pools};
    std::string last_failure;

private:
    void collect(const std::string& directory, std::map<std::string, std::string>& found) {
        std::map<std::string, std::uint64_t> newest;  // of each lease
        for (const std::string& name : host.names(directory)) {
            const std::string path = directory + "/" + name;
            if (host.is_directory(path)) {
                found[path] = "directory";
                collect(path, found);
            } else if (name.find(".lease.") != std::string::npos) {
                const std::uint64_t generation = std::stoull(name.substr(name.rfind('.') + 1));
                const auto state = storage::parse_lease(host.read(path), generation);
                const std::string cell = path.substr(0, path.rfind('.'));
                if (!state || generation < newest[cell]) continue;
                newest[cell] = generation;
                found.erase(cell);
                if (state->is_held()) found[cell] = state->owner;
            } else {
                const std::string content = host.read(path);
                found[path] = name.find("-flat.") == std::string::npos
                                  ? content
                                  : std::to_string(content.size());
            }
        }
    }
};

}  // namespace drover::host
