#include "host/machines/create.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/machines/disk_plan.hpp"
#include "host/machines/machine_files.hpp"
#include "host/machines/machine_rules.hpp"
#include "host/references.hpp"

namespace drover::host {

using nlohmann::json;
using storage::DatastorePath;
using task::Awaitable;
using task::Call;
using task::Saga;
using task::TaskContextPtr;
using vim::Value;

namespace {

constexpr std::string_view kSaga = "vm.create";
constexpr int kMostNameTries = 1000;

void undo_quietly(const std::function<void()>& work) {
    try {
        work();
    } catch (const storage::StorageError& error) {
        using enum storage::StorageErrorKind;
        // What is not there needs no undoing; what others have put there stays.
        if (error.kind() != not_found && error.kind() != directory_not_empty) throw;
    }
}

}  // namespace

/// Everything that the saga needs, now and after a crash.
struct Create::Plan {
    std::string id;
    DatastorePath vmx;
    bool makes_directory = false;
    std::string vmx_text;
    vim::MoRef pool;
    std::vector<machine::DiskToCreate> disks;

    std::string to_text() const {
        json list = json::array();
        for (const auto& disk : disks) list.push_back(to_json(disk));
        return json{{"id", id},
                    {"vmx", vmx.to_string()},
                    {"makes_directory", makes_directory},
                    {"disks", list}}
            .dump();
    }

    // The text of the .vmx file and the pool are only needed for going on, and a machine that was
    // not finished is undone.
    static Plan from_text(const std::string& text) {
        const json value = json::parse(text);
        Plan plan;
        plan.id = value.at("id").get<std::string>();
        plan.vmx = path_of(value.at("vmx").get<std::string>());
        plan.makes_directory = value.at("makes_directory").get<bool>();
        for (const auto& disk : value.at("disks")) plan.disks.push_back(disk_from_json(disk));
        return plan;
    }
};

Create::Create(const HostContext& context, Machines& machines)
    : context_(context), machines_(machines) {
    context_.sagas.add_kind(std::string(kSaga), [this](const std::string& parameters) {
        return build(Plan::from_text(parameters), {});
    });
}

void Create::serve() {
    context_.tasks.add_method(
        context_.dispatcher, "CreateVM_Task", "Folder.createVm",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            if (call.self != references::vm_folder) {
                throw vim::make_fault<vim::NotSupported>("Machines belong into the folder 'vm'.");
            }
            const auto request = call.arguments<vim::CreateVM_TaskRequest>();
            context_.inventory.get(request.pool());
            co_return co_await create(request.config(), request.pool(), task);
        },
        true);
    context_.tasks.add_method(
        context_.dispatcher, "CreateChildVM_Task", "ResourcePool.createVm",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const auto request = call.arguments<vim::CreateChildVM_TaskRequest>();
            co_return co_await create(request.config(), call.self, task);
        },
        true);
}

Awaitable<DatastorePath> Create::choose_path(vim::VirtualMachineConfigSpec spec, std::string name) {
    const std::string asked(spec.files() ? spec.files().vmPathName().value_or("") : "");
    if (asked.empty()) {
        throw vim::invalid_argument("configSpec.files.vmPathName",
                                    "configSpec.files.vmPathName must name at least a datastore: "
                                    "\"[datastore]\".");
    }
    const DatastorePath path = Datastores::parse_path(asked);
    DatastoreEntry& entry = context_.datastores.of_path(path);
    if (path.relative().ends_with(".vmx")) co_return path;
    if (!path.is_root()) {
        if (auto chosen = path.child(name + ".vmx")) co_return *chosen;
        throw vim::invalid_argument("configSpec.name", "The name can't be a file's name.");
    }
    // A directory of its own, which no other machine has.
    co_return co_await context_.datastores.run(entry, [path, name](storage::Datastore& store) {
        for (int i = 0; i < kMostNameTries; ++i) {
            const auto directory = path.child(i == 0 ? name : fmt::format("{}_{}", name, i));
            if (!directory) break;
            try {
                store.blobs().stat(*directory);
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
                return *directory->child(name + ".vmx");
            }
        }
        throw vim::invalid_argument("configSpec.name", "No directory can be named after it.");
    });
}

Awaitable<Value> Create::create(vim::VirtualMachineConfigSpec spec, vim::MoRef pool,
                                TaskContextPtr task) {
    for (const auto& check : admission_) check();
    const std::string name = machine::checked_name(spec.name().value_or(""));
    if (const MachinePtr other = machines_.find_by_name(name)) {
        auto fault = vim::DuplicateName::make();
        fault.set_name(name);
        fault.set_object(other->ref);
        throw vim::Fault(fault, fmt::format("The name '{}' already exists.", name));
    }
    Plan plan;
    plan.vmx = co_await choose_path(spec, name);
    auto rules = make_rules(context_, machines_);
    const auto listed = co_await list_directory(context_, plan.vmx.parent());
    plan.makes_directory = !listed.has_value();
    rules.existing_files = listed.value_or(decltype(rules.existing_files){});
    const auto context =
        co_await machines_.read_context(plan.vmx, vmx::VmxFile(), machine::disks_named_by(spec));
    const auto planned = machine::plan_new_machine(context, spec, rules, context_.random,
                                                   context_.runtime.clock().wall_now());
    plan.id = (co_await machines_.next_id()).value();
    plan.vmx_text = planned.file.to_string();
    plan.disks = planned.create;
    plan.pool = pool;
    co_await context_.sagas.run(build(plan, context_.datastores.control_for(task)));
    const MachinePtr machine = co_await machines_.add(VmId(plan.id), plan.vmx, false, pool);
    co_return Value::moref(machine->ref);
}

Saga Create::build(const Plan& plan, storage::CopyControl control) {
    DatastoreEntry* home = &context_.datastores.of_path(plan.vmx);
    Saga saga;
    saga.kind = kSaga;
    saga.parameters = plan.to_text();
    if (plan.makes_directory) {
        saga.steps.push_back(
            {"directory",
             [this, home, directory = plan.vmx.parent()] {
                 return context_.datastores.run(*home, [directory](storage::Datastore& store) {
                     store.blobs().make_directory(directory, storage::MakeDirectory::exclusive);
                 });
             },
             [this, home, directory = plan.vmx.parent()] {
                 return context_.datastores.run(*home, [directory](storage::Datastore& store) {
                     // Only if it is empty.
                     undo_quietly([&] { store.blobs().remove_directory(directory); });
                 });
             }});
    }
    for (const auto& disk : plan.disks) {
        DatastoreEntry* place = &context_.datastores.of_path(path_of(disk.file));
        saga.steps.push_back(
            {"disk " + disk.file,
             [this, place, disk, control, vmx = plan.vmx] {
                 return context_.datastores.run_long(
                     *place, [disk, control, vmx](storage::Datastore& store) {
                         const auto path = path_of(disk.file);
                         if (disk.replace) undo_quietly([&] { store.volumes().delete_disk(path); });
                         create_disk_of_machine(store, path, vmx, storage_spec(disk), control);
                     });
             },
             [this, place, disk, vmx = plan.vmx] {
                 return context_.datastores.run(
                     *place, [this, disk, vmx](storage::Datastore& store) {
                         if (Machines::has_record_of(context_.store, vmx)) return;
                         undo_quietly([&] { store.volumes().delete_disk(path_of(disk.file)); });
                         undo_quietly([&] { remove_disk_folder(store, path_of(disk.file), vmx); });
                     });
             }});
    }
    saga.steps.push_back(
        {"file",
         [this, home, path = plan.vmx, text = plan.vmx_text] {
             return context_.datastores.run(*home, [path, text](storage::Datastore& store) {
                 store.blobs().create_exclusive(path, text);
             });
         },
         [this, home, path = plan.vmx] {
             return context_.datastores.run(*home, [this, path](storage::Datastore& store) {
                 // An undo that comes late may find a machine that was made here since.
                 if (Machines::has_record_of(context_.store, path)) return;
                 undo_quietly([&] { store.blobs().remove(path); });
             });
         }});
    saga.result = [id = plan.id, path = plan.vmx, pool = plan.pool] {
        store::Batch batch;
        batch.put(Machines::record_of(VmId(id), path, false, pool));
        return batch;
    };
    return saga;
}

}  // namespace drover::host
