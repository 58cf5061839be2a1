#include "host/machines/reconfigure.hpp"

#include <nlohmann/json.hpp>

#include "host/machines/disk_plan.hpp"
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

void ignore_missing(const std::function<void()>& work) {
    try {
        work();
    } catch (const storage::StorageError& error) {
        if (error.kind() != storage::StorageErrorKind::not_found) throw;
    }
}

}  // namespace

struct Reconfigure::Plan {
    DatastorePath vmx;
    std::string vmx_text;
    std::vector<machine::DiskToCreate> create;
    std::vector<machine::DiskToGrow> grow;
    std::vector<std::string> destroy;

    std::string to_text() const {
        json creates = json::array();
        for (const auto& disk : create) creates.push_back(to_json(disk));
        json grows = json::array();
        for (const auto& disk : grow) {
            grows.push_back({{"file", disk.file}, {"capacity_bytes", disk.capacity_bytes}});
        }
        return json{{"vmx", vmx.to_string()},
                    {"text", vmx_text},
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
        for (const auto& disk : value.at("create")) plan.create.push_back(disk_from_json(disk));
        for (const auto& disk : value.at("grow")) {
            plan.grow.push_back({0, disk.at("file").get<std::string>(),
                                 disk.at("capacity_bytes").get<std::int64_t>()});
        }
        plan.destroy = value.at("destroy").get<std::vector<std::string>>();
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
            co_await reconfigure(machine, request.spec(), task);
            co_return Value{};
        },
        true);
}

Awaitable<void> Reconfigure::reconfigure(MachinePtr machine, vim::VirtualMachineConfigSpec spec,
                                         TaskContextPtr task) {
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
    const auto changes = machine->domain ? live_changes(spec, planned.config, machine->connected)
                                         : std::vector<LiveChange>{};
    const Plan plan{machine->path, planned.file.to_string(), planned.create, planned.grow,
                    planned.destroy};
    co_await context_.sagas.run(build(plan, context_.datastores.control_for(task)));
    co_await apply_live(machine, changes);
    co_await machines_.load(machine);
    machines_.publish(machine);
}

SagaStep Reconfigure::make_disk_step(const machine::DiskToCreate& disk,
                                     const storage::CopyControl& control) {
    DatastoreEntry* place = &context_.datastores.of_path(path_of(disk.file));
    return {"disk " + disk.file,
            [this, place, disk, control] {
                return context_.datastores.run_long(
                    *place, [disk, control](storage::Datastore& store) {
                        const auto path = path_of(disk.file);
                        if (disk.replace)
                            ignore_missing([&] { store.volumes().delete_disk(path); });
                        store.volumes().create_disk(path, storage_spec(disk), control);
                    });
            },
            [this, place, disk] {
                return context_.datastores.run(*place, [disk](storage::Datastore& store) {
                    ignore_missing([&] { store.volumes().delete_disk(path_of(disk.file)); });
                });
            }};
}

Saga Reconfigure::build(const Plan& plan, storage::CopyControl control) {
    Saga saga;
    saga.kind = kSaga;
    saga.parameters = plan.to_text();
    for (const auto& disk : plan.create) saga.steps.push_back(make_disk_step(disk, control));
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
    saga.steps.push_back(
        {"file",
         [this, vmx = plan.vmx, text = plan.vmx_text] {
             return context_.datastores.run(
                 context_.datastores.of_path(vmx),
                 [vmx, text](storage::Datastore& store) { store.blobs().write(vmx, text); });
         },
         {},
         true});
    for (const std::string& disk : plan.destroy) {
        saga.steps.push_back(
            {"delete " + disk,
             [this, disk] {
                 const auto path = path_of(disk);
                 return context_.datastores.run(
                     context_.datastores.of_path(path), [path](storage::Datastore& store) {
                         ignore_missing([&] { store.volumes().delete_disk(path); });
                     });
             },
             {}});
    }
    return saga;
}

// The file is written: what the running machine can't take now it gets at its next power-on.
Awaitable<void> Reconfigure::apply_live(MachinePtr machine, std::vector<LiveChange> changes) {
    for (const LiveChange& change : changes) {
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
