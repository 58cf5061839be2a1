#include "host/machines/reconfigure.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/machines/disk_plan.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/machine_files.hpp"
#include "host/machines/machine_rules.hpp"

namespace drover::host {

using nlohmann::json;
using storage::DatastorePath;
using task::Awaitable;
using task::Call;
using task::Saga;
using task::SagaStep;
using task::TaskContextPtr;
using vim::Value;

namespace {

constexpr std::string_view kSaga = "vm.reconfigure";
constexpr std::chrono::seconds kPlugLimit{90};

void ignore_missing(const std::function<void()>& work) {
    try {
        work();
    } catch (const storage::StorageError& error) {
        if (error.kind() != storage::StorageErrorKind::not_found) throw;
    }
}

json plugs_to_json(const std::vector<Plug>& plugs) {
    json list = json::array();
    for (const Plug& plug : plugs) list.push_back({{"nic", plug.is_nic}, {"name", plug.name}});
    return list;
}

std::vector<Plug> plugs_from_json(const json& list) {
    std::vector<Plug> plugs;
    for (const auto& plug : list) {
        plugs.push_back({plug.at("nic").get<bool>(), plug.at("name").get<std::string>()});
    }
    return plugs;
}

std::set<std::int32_t> keys_of(const vim::VirtualMachineConfigInfo& config) {
    std::set<std::int32_t> keys;
    for (const auto& device : config.hardware().device()) keys.insert(device.key());
    return keys;
}

// What was plugged in is connected as it would be after a start.
void note_plugged(Machine& machine, const std::set<std::int32_t>& before,
                  const vim::VirtualMachineConfigInfo& now) {
    const auto keys = keys_of(now);
    std::erase_if(machine.connected, [&](std::int32_t key) { return !keys.contains(key); });
    for (const std::int32_t key : connected_at_start(now)) {
        if (!before.contains(key)) machine.connected.insert(key);
    }
}

// A file that was written, and whose writing could not be noted, must not go on naming disks that
// are undone. What somebody else has written since stays.
void put_back(storage::Datastore& store, const DatastorePath& vmx, const std::string& text,
              const std::string& old) {
    if (old.empty()) return;
    ignore_missing([&] {
        if (store.blobs().read(vmx, Machines::kVmxLimitBytes) == text)
            store.blobs().write(vmx, old);
    });
}

}  // namespace

struct Reconfigure::Plan {
    DatastorePath vmx;
    std::string vmx_text;
    std::string old_text;  ///< of the file as it was; empty: not known
    std::vector<machine::DiskToCreate> create;
    std::vector<machine::DiskToGrow> grow;
    std::vector<std::string> destroy;
    // Of a running machine.
    std::string uuid;
    PlugPlan plugs;
    // Only needed for going on, not for undoing.
    vmx::VmxFile file;
    vim::VirtualMachineConfigInfo config;
    std::uint64_t lease_generation = 0;

    std::string to_text() const {
        json creates = json::array();
        for (const auto& disk : create) creates.push_back(to_json(disk));
        json grows = json::array();
        for (const auto& disk : grow) {
            grows.push_back({{"file", disk.file}, {"capacity_bytes", disk.capacity_bytes}});
        }
        return json{{"vmx", vmx.to_string()},
                    {"uuid", uuid},
                    {"plugged", plugs_to_json(plugs.in)},
                    {"unplugged", plugs_to_json(plugs.out)},
                    {"text", vmx_text},
                    {"old_text", old_text},
                    {"create", creates},
                    {"grow", grows},
                    {"destroy", destroy}}
            .dump();
    }

    static Plan from_text(const std::string& text) {
        const json value = json::parse(text);
        Plan plan;
        plan.vmx = path_of(value.at("vmx").get<std::string>());
        plan.vmx_text = value.at("text").get<std::string>();
        plan.old_text = value.value("old_text", std::string{});
        for (const auto& disk : value.at("create")) plan.create.push_back(disk_from_json(disk));
        for (const auto& disk : value.at("grow")) {
            plan.grow.push_back({0, disk.at("file").get<std::string>(),
                                 disk.at("capacity_bytes").get<std::int64_t>()});
        }
        plan.destroy = value.at("destroy").get<std::vector<std::string>>();
        plan.uuid = value.value("uuid", std::string{});
        plan.plugs.in = plugs_from_json(value.value("plugged", json::array()));
        plan.plugs.out = plugs_from_json(value.value("unplugged", json::array()));
        return plan;
    }
};

Reconfigure::Reconfigure(const HostContext& context, Machines& machines)
    : context_(context), machines_(machines) {
    context_.sagas.add_kind(std::string(kSaga), [this](const std::string& parameters) {
        return build(Plan::from_text(parameters), {});
    });
}

void Reconfigure::serve() {
    context_.tasks.add_method(
        context_.dispatcher, "ReconfigVM_Task", "VirtualMachine.reconfigure",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const MachinePtr machine = machines_.get(call.self);
            const Exclusive exclusive(machine, task->ref());
            const auto request = call.arguments<vim::ReconfigVM_TaskRequest>();
            co_await reconfigure(machine, request.spec(), context_.datastores.control_for(task));
            co_return Value{};
        },
        true);
}

Awaitable<void> Reconfigure::reconfigure_alone(MachinePtr machine,
                                               vim::VirtualMachineConfigSpec spec) {
    const Exclusive exclusive(machine, {});
    co_await reconfigure(machine, std::move(spec), {});
}

Awaitable<void> Reconfigure::reconfigure(MachinePtr machine, vim::VirtualMachineConfigSpec spec,
                                         storage::CopyControl control) {
    // The file on the datastore is the truth: start from what is there now.
    co_await machines_.load(machine);
    require_usable(*machine);
    auto rules = make_rules(context_, machines_);
    rules.power_state = machine->power_state();
    rules.existing_files = (co_await list_directory(context_, machine->path.parent()))
                               .value_or(decltype(rules.existing_files){});
    auto context = co_await machines_.read_context(machine->path, machine->file,
                                                   machine::disks_named_by(spec));
    if (machine->domain) context.connected = machine->connected;
    const auto planned = machine::reconfigure(machine->file, context, spec, rules, context_.random,
                                              context_.runtime.clock().wall_now());
    if (spec.name() && machine->config.name() != planned.config.name()) {
        const MachinePtr other = machines_.find_by_name(planned.config.name());
        if (other && other != machine) {
            auto fault = vim::DuplicateName::make();
            fault.set_name(planned.config.name());
            fault.set_object(other->ref);
            throw vim::Fault(
                fault, "The name '" + std::string(planned.config.name()) + "' already exists.");
        }
    }
    auto changes = machine->domain ? live_changes(spec, planned.config, machine->connected)
                                   : std::vector<LiveChange>{};
    Plan plan;
    plan.vmx = machine->path;
    plan.vmx_text = planned.file.to_string();
    plan.old_text = machine->file.to_string();
    plan.create = planned.create;
    plan.grow = planned.grow;
    plan.destroy = planned.destroy;
    const auto keys_before = machine->domain ? keys_of(machine->config) : std::set<std::int32_t>{};
    if (machine->domain) {
        plan.uuid = machine->uuid().value();
        plan.plugs = plug_plan(machine->config, planned.config);
        plan.file = planned.file;
        plan.config = planned.config;
        plan.lease_generation = machine->lease_generation;
    }
    Saga saga = build(plan, control);
    saga.finished_later = [this, machine] {
        context_.runtime.spawn("reload " + machine->id.value(), reload(machine));
    };
    co_await context_.sagas.run(std::move(saga));
    if (machine->domain) {
        note_plugged(*machine, keys_before, planned.config);
        co_await apply_live(machine, changes);
    }
    co_await machines_.load(machine);
    machines_.publish(machine);
}

SagaStep Reconfigure::make_disk_step(const machine::DiskToCreate& disk,
                                     const storage::DatastorePath& vmx,
                                     const storage::CopyControl& control) {
    DatastoreEntry* place = &context_.datastores.of_path(path_of(disk.file));
    return {"disk " + disk.file,
            [this, place, disk, vmx, control] {
                return context_.datastores.run_long(
                    *place, [disk, vmx, control](storage::Datastore& store) {
                        const auto path = path_of(disk.file);
                        if (disk.replace)
                            ignore_missing([&] { store.volumes().delete_disk(path); });
                        create_disk_of_machine(store, path, vmx, storage_spec(disk), control);
                    });
            },
            [this, place, disk, vmx] {
                return context_.datastores.run(*place, [disk, vmx](storage::Datastore& store) {
                    ignore_missing([&] { store.volumes().delete_disk(path_of(disk.file)); });
                    remove_disk_folder(store, path_of(disk.file), vmx);
                });
            }};
}

Saga Reconfigure::build(const Plan& plan, storage::CopyControl control) {
    Saga saga;
    saga.kind = kSaga;
    saga.parameters = plan.to_text();
    for (const auto& disk : plan.create)
        saga.steps.push_back(make_disk_step(disk, plan.vmx, control));
    for (const auto& disk : plan.grow) {
        // A disk that was grown and a file that doesn't say so yet go together: growing has no
        // undo.
        saga.steps.push_back(
            {"grow " + disk.file,
             [this, disk] {
                 const auto path = path_of(disk.file);
                 return context_.datastores.run_long(
                     context_.datastores.of_path(path), [disk, path](storage::Datastore& store) {
                         store.volumes().grow_disk(path,
                                                   static_cast<std::uint64_t>(disk.capacity_bytes));
                     });
             },
             {}});
    }
    add_plug_steps(saga, plan);
    saga.steps.push_back(
        {"file",
         [this, vmx = plan.vmx, text = plan.vmx_text] {
             return context_.datastores.run(
                 context_.datastores.of_path(vmx),
                 [vmx, text](storage::Datastore& store) { store.blobs().write(vmx, text); });
         },
         [this, vmx = plan.vmx, text = plan.vmx_text, old = plan.old_text] {
             return context_.datastores.run(
                 context_.datastores.of_path(vmx),
                 [vmx, text, old](storage::Datastore& store) { put_back(store, vmx, text, old); });
         },
         true});
    for (const std::string& disk : plan.destroy) {
        saga.steps.push_back({"delete " + disk,
                              [this, disk, vmx = plan.vmx] { return delete_unused(disk, vmx); },
                              {}});
    }
    return saga;
}

Awaitable<void> Reconfigure::reload(MachinePtr machine) {
    if (machine->busy) co_return;  // whoever has it publishes it
    co_await machines_.load(machine);
    machines_.publish(machine);
}

// A disk that some machine has by now, this one again or another, stays: the step may come long
// after it was planned.
Awaitable<void> Reconfigure::delete_unused(std::string disk, DatastorePath vmx) {
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->path != vmx && machine->disks.contains(disk)) co_return;
    }
    const bool is_back = co_await context_.datastores.run(
        context_.datastores.of_path(vmx), [vmx, disk](storage::Datastore& store) {
            const auto file =
                vmx::VmxFile::parse(store.blobs().read(vmx, Machines::kVmxLimitBytes));
            machine::ReadContext context;
            context.vm_path = vmx.to_string();
            const auto used =
                file ? machine::disk_files(*file, context) : std::vector<std::string>{disk};
            return std::ranges::find(used, disk) != used.end();
        });
    if (is_back) co_return;
    const auto path = path_of(disk);
    co_await context_.datastores.run(
        context_.datastores.of_path(path), [path, vmx](storage::Datastore& store) {
            ignore_missing([&] { store.volumes().delete_disk(path); });
            remove_disk_folder(store, path, vmx);
        });
}

// New devices are plugged in before the file names them, so that a refusal leaves everything as it
// was; what goes is unplugged last.
void Reconfigure::add_plug_steps(Saga& saga, const Plan& plan) {
    const hypervisor::DomainUuid uuid(plan.uuid);
    for (const Plug& plug : plan.plugs.in) {
        saga.steps.push_back({"plug in " + plug.name,
                              [this, plan, plug] { return plug_in(plan, plug); },
                              [this, uuid, plug] { return unplug(uuid, plug); }});
    }
    for (const Plug& plug : plan.plugs.out) {
        saga.steps.push_back(
            {"unplug " + plug.name, [this, uuid, plug] { return unplug(uuid, plug); }, {}});
    }
}

Awaitable<void> Reconfigure::plug_in(Plan plan, Plug plug) {
    const hypervisor::DomainUuid uuid(plan.uuid);
    const auto spec = co_await context_.datastores.run(
        context_.datastores.of_path(plan.vmx), [this, plan](storage::Datastore&) {
            return make_domain_spec(
                context_, DomainInput{plan.file, plan.config, plan.vmx, plan.lease_generation});
        });
    co_await context_.runtime.blocking(
        "plug:" + plan.uuid,
        [&hypervisor = context_.hypervisor, uuid, spec, plug] {
            for (const auto& nic : spec.nics) {
                if (plug.is_nic && nic.mac == plug.name) hypervisor.attach_nic(uuid, nic);
            }
            for (const auto& disk : spec.disks) {
                if (!plug.is_nic && hypervisor::disk_target(disk) == plug.name) {
                    hypervisor.attach_disk(uuid, spec, disk);
                }
            }
        },
        kPlugLimit);
}

Awaitable<void> Reconfigure::unplug(hypervisor::DomainUuid uuid, Plug plug) {
    co_await context_.runtime.blocking(
        "plug:" + uuid.value(),
        [&hypervisor = context_.hypervisor, uuid, plug] {
            try {
                if (plug.is_nic) {
                    hypervisor.detach_nic(uuid, plug.name);
                } else {
                    hypervisor.detach_disk(uuid, plug.name);
                }
            } catch (const hypervisor::HypervisorError& error) {
                // It is gone, or the whole machine is.
                if (error.kind() != hypervisor::ErrorKind::not_found) throw;
            }
        },
        kPlugLimit);
}

// The file is written: what the running machine can't take now it gets at its next power-on.
Awaitable<void> Reconfigure::apply_live(MachinePtr machine, std::vector<LiveChange> changes) {
    for (LiveChange& change : changes) {
        if (const NetworkEntry* network = context_.networks.find(change.network)) {
            change.bridge = network->bridge;
        }
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [this, uuid = machine->uuid(), change] { apply(context_, uuid, change); },
            std::chrono::seconds(60));
        if (change.connected) {
            machine->connected.insert(change.key);
        } else {
            machine->connected.erase(change.key);
        }
    }
}

}  // namespace drover::host
