#include "host/machines/destroy.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/machines/disk_plan.hpp"
#include "host/machines/machine_files.hpp"

namespace drover::host {

using nlohmann::json;
using storage::DatastorePath;
using task::Awaitable;
using task::Call;
using task::Saga;
using task::TaskContextPtr;
using vim::Value;

namespace {

constexpr std::string_view kSaga = "vm.destroy";

}  // namespace

struct Destroy::Plan {
    std::string id;
    DatastorePath vmx;
    std::vector<std::string> disks;
    std::vector<std::string> logs;  ///< of serial ports, in the machine's own directory

    std::string to_text() const {
        return json{{"id", id}, {"vmx", vmx.to_string()}, {"disks", disks}, {"logs", logs}}.dump();
    }
    static Plan from_text(const std::string& text) {
        const json value = json::parse(text);
        return {value.at("id").get<std::string>(), path_of(value.at("vmx").get<std::string>()),
                value.at("disks").get<std::vector<std::string>>(),
                value.at("logs").get<std::vector<std::string>>()};
    }
};

Destroy::Destroy(const HostContext& context, Machines& machines, ResourcePools& pools)
    : context_(context), machines_(machines), pools_(pools) {
    context_.sagas.add_kind(std::string(kSaga), [this](const std::string& parameters) {
        return build(Plan::from_text(parameters));
    });
}

void Destroy::serve() {
    context_.tasks.add_method(
        context_.dispatcher, "Destroy_Task", "VirtualMachine.destroy",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            if (pools_.is_pool(call.self)) {
                co_await pools_.destroy(call.self);
                co_return Value{};
            }
            const MachinePtr machine = machines_.find(call.self);
            if (!machine) {
                throw vim::make_fault<vim::NotSupported>(
                    "This object is a fixed part of the host and can't be destroyed.");
            }
            const Exclusive exclusive(machine, task->ref());
            co_await destroy(machine);
            co_return Value{};
        });
}

// A disk on which linked clones of other machines are based must stay.
void Destroy::refuse_parent_of_others(const Machine& machine) const {
    for (const MachinePtr& other : machines_.all()) {
        if (other->id == machine.id) continue;
        for (const auto& [file, facts] : other->disks) {
            const bool is_shared = machine.disks.contains(file);
            if (!is_shared && !machine.disks.contains(facts.parent)) continue;
            const std::string& disk = is_shared ? file : facts.parent;
            // Both may be clones of a third: that one does not go with either.
            bool goes = false;
            for (const auto& device : machine.config.hardware().device()) {
                const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
                goes |= device.is<vim::VirtualDisk>() && backing && backing.fileName() == disk;
            }
            if (!goes) continue;
            throw vim::make_fault<vim::InvalidState>(
                fmt::format("The disk {} is in use by the machine '{}'.", disk, other->name()));
        }
    }
}

Awaitable<void> Destroy::destroy(MachinePtr machine) {
    if (machine->domain) {
        require_power_state(*machine, vim::VirtualMachinePowerState::poweredOff);
    }
    if (!machine->datastore_accessible) require_usable(*machine);
    refuse_parent_of_others(*machine);
    Plan plan{machine->id.value(), machine->path, {}, serial_logs_of(*machine)};
    for (const auto& device : machine->config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!backing || !device.is<vim::VirtualDisk>()) continue;
        // Only what lies on a datastore of ours.
        const auto path = DatastorePath::parse(backing.fileName());
        if (path && context_.datastores.find(path->datastore()) != nullptr) {
            plan.disks.emplace_back(backing.fileName());
        }
    }
    Saga saga = build(plan);
    saga.finished_later = [this, ref = machine->ref] {
        if (const MachinePtr left = machines_.find(ref)) machines_.remove(left);
    };
    co_await context_.sagas.run(std::move(saga));
    machines_.remove(machine);
}

Saga Destroy::build(const Plan& plan) {
    Saga saga;
    saga.kind = kSaga;
    saga.parameters = plan.to_text();
    // Its entry in the journal is the decision. If it fails on the way it waits there for the next
    // start, and somebody may destroy the machine once more by then: a machine without a record is
    // done, and what lies at its place is another's.
    saga.steps.push_back({"decide", []() -> Awaitable<void> { co_return; }, {}, true});
    for (const std::string& disk : plan.disks) {
        saga.steps.push_back({"disk " + disk,
                              [this, disk, vmx = plan.vmx, id = VmId(plan.id)] {
                                  const auto path = path_of(disk);
                                  return context_.datastores.run(
                                      context_.datastores.of_path(path),
                                      [this, path, vmx, id](storage::Datastore& store) {
                                          if (!Machines::has_record(context_.store, id)) return;
                                          delete_if_there(
                                              [&] { store.volumes().delete_disk(path); });
                                          remove_disk_folder(store, path, vmx);
                                      });
                              },
                              {}});
    }
    saga.steps.push_back({"files",
                          [this, vmx = plan.vmx, logs = plan.logs, id = VmId(plan.id)] {
                              return context_.datastores.run(
                                  context_.datastores.of_path(vmx),
                                  [this, vmx, logs, id](storage::Datastore& store) {
                                      if (!Machines::has_record(context_.store, id)) return;
                                      for (const std::string& log : logs) {
                                          delete_if_there(
                                              [&] { store.blobs().remove(path_of(log)); });
                                      }
                                      delete_files(store, vmx);
                                  });
                          },
                          {}});
    saga.result = [id = plan.id] {
        store::Batch batch;
        Machines::remove_record(batch, VmId(id));
        return batch;
    };
    return saga;
}

}  // namespace drover::host
