#include "host/machines/registration.hpp"

#include <fmt/format.h>

#include "host/datastores.hpp"
#include "host/machines/machine_rules.hpp"
#include "host/machines/rename_datastore.hpp"
#include "host/references.hpp"

namespace drover::host {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;
using vim::VirtualMachinePowerState;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
const vim::MoRef kNoTask{};

}  // namespace

void Registration::serve() {
    context_.tasks.add_method(
        context_.dispatcher, "RegisterVM_Task", "Folder.registerVm",
        [this](Call call, TaskContextPtr) -> Awaitable<Value> {
            const auto request = call.arguments<vim::RegisterVM_TaskRequest>();
            if (call.self != references::vm_folder) {
                throw vim::make_fault<vim::NotSupported>("Machines belong into the folder 'vm'.");
            }
            const vim::MoRef pool = request.pool().value_or(references::root_pool);
            context_.inventory.get(pool);
            co_return co_await register_machine(std::string(request.path()),
                                                std::string(request.name().value_or("")),
                                                request.asTemplate(), pool);
        });
    context_.tasks.add_method(
        context_.dispatcher, "RegisterChildVM_Task", "ResourcePool.registerVm",
        [this](Call call, TaskContextPtr) -> Awaitable<Value> {
            const auto request = call.arguments<vim::RegisterChildVM_TaskRequest>();
            co_return co_await register_machine(std::string(request.path()),
                                                std::string(request.name().value_or("")), false,
                                                call.self);
        });
    context_.dispatcher.add("UnregisterVM", [this](Call call) -> Awaitable<Value> {
        co_await unregister(machines_.get(call.self));
        co_return Value{};
    });
    serve_marks();
    serve_entity_methods();
}

void Registration::serve_marks() {
    context_.dispatcher.add("MarkAsTemplate", [this](Call call) -> Awaitable<Value> {
        const MachinePtr machine = machines_.get(call.self);
        co_await mark(machine, true, machine->pool);
        co_return Value{};
    });
    context_.dispatcher.add("MarkAsVirtualMachine", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::MarkAsVirtualMachineRequest>();
        context_.inventory.get(request.pool());
        if (const auto host = request.host()) context_.inventory.get(*host);
        co_await mark(machines_.get(call.self), false, request.pool());
        co_return Value{};
    });
}

void Registration::serve_entity_methods() {
    context_.tasks.add_method(
        context_.dispatcher, "Rename_Task", "ManagedEntity.rename",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const auto request = call.arguments<vim::Rename_TaskRequest>();
            if (pools_.is_pool(call.self)) {
                co_await pools_.rename(call.self, std::string(request.newName()));
                co_return Value{};
            }
            if (context_.datastores.find(call.self) != nullptr) {
                co_await rename_datastore(context_, machines_, call.self,
                                          std::string(request.newName()), task->ref());
                co_return Value{};
            }
            const MachinePtr machine = machines_.find(call.self);
            if (!machine) {
                throw vim::make_fault<vim::NotSupported>(
                    "Only machines, resource pools and datastores can be "
                    "renamed here.");
            }
            const Exclusive exclusive(machine, task->ref());
            co_await rename(machine, std::string(request.newName()));
            co_return Value{};
        });
    context_.dispatcher.add("RenameDatastore", [this](Call call) -> Awaitable<Value> {
        const std::string name(call.arguments<vim::RenameDatastoreRequest>().newName());
        co_await rename_datastore(context_, machines_, call.self, name, kNoTask);
        co_return Value{};
    });
    context_.dispatcher.add("Reload", [this](Call call) -> Awaitable<Value> {
        if (const MachinePtr machine = machines_.find(call.self)) {
            co_await machines_.load(machine);
            machines_.publish(machine);
        }
        co_return Value{};
    });
}

void Registration::refuse_duplicate(std::string_view name) const {
    const MachinePtr other = machines_.find_by_name(name);
    if (!other) return;
    auto fault = vim::DuplicateName::make();
    fault.set_name(name);
    fault.set_object(other->ref);
    throw vim::Fault(fault, fmt::format("The name '{}' already exists.", name));
}

Awaitable<Value> Registration::register_machine(std::string path_text, std::string name,
                                                bool as_template, vim::MoRef pool) {
    for (const auto& check : admission_) check();
    const auto path = Datastores::parse_path(path_text);
    if (const MachinePtr other = machines_.find_by_path(path)) {
        auto fault = vim::AlreadyExists::make();
        fault.set_name(other->id.value());
        throw vim::Fault(
            fault, fmt::format("{} is registered already, as '{}'.", path_text, other->name()));
    }
    vmx::VmxFile file = co_await machines_.read_file(path);
    const std::string before = file.to_string();
    if (!name.empty()) file.set("displayName", machine::checked_name(name));
    const auto context = co_await machines_.read_context(path, file);
    const auto found = machine::config_from_vmx(file, context);
    // A copy of a machine that is here already is another machine.
    if (machines_.find_by_uuid(hypervisor::DomainUuid(std::string(found.uuid())))) {
        file.remove("uuid.bios");
        file.remove("vc.uuid");
    }
    refuse_duplicate(found.name());
    file = machine::adopt(file, context, make_rules(context_, machines_), context_.random);
    const VmId id = co_await machines_.next_id();
    if (file.to_string() != before) {
        co_await context_.datastores.run(
            context_.datastores.of_path(path),
            [path, text = file.to_string()](storage::Datastore& store) {
                store.blobs().write(path, text);
            });
    }
    co_await context_.runtime.blocking(
        "store",
        [this, id, path, as_template, pool] {
            context_.store.commit_and_wait(
                store::Batch().put(Machines::record_of(id, path, as_template, pool)));
        },
        kStoreLimit);
    const MachinePtr machine = co_await machines_.add(id, path, as_template, pool);
    co_return Value::moref(machine->ref);
}

Awaitable<MachinePtr> Registration::adopt(std::string path) {
    const Value made = co_await register_machine(std::move(path), {}, false, references::root_pool);
    co_return machines_.get(made.as_moref());
}

Awaitable<void> Registration::unregister(MachinePtr machine) {
    const Exclusive exclusive(machine, kNoTask);
    if (machine->domain) require_power_state(*machine, VirtualMachinePowerState::poweredOff);
    co_await context_.runtime.blocking(
        "store",
        [this, id = machine->id] {
            store::Batch batch;
            Machines::remove_record(batch, id);
            context_.store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
    machines_.remove(machine);
}

Awaitable<void> Registration::mark(MachinePtr machine, bool is_template, vim::MoRef pool) {
    const Exclusive exclusive(machine, kNoTask);
    if (machine->is_template == is_template) {
        throw vim::make_fault<vim::InvalidState>(is_template ? "It is a template already."
                                                             : "It is no template.");
    }
    require_power_state(*machine, VirtualMachinePowerState::poweredOff);
    co_await context_.runtime.blocking(
        "store",
        [this, id = machine->id, path = machine->path, is_template, pool] {
            context_.store.commit_and_wait(
                store::Batch().put(Machines::record_of(id, path, is_template, pool)));
        },
        kStoreLimit);
    machine->is_template = is_template;
    machine->config.set_template(is_template);
    machines_.move_to_pool(machine, pool);
}

Awaitable<void> Registration::rename(MachinePtr machine, std::string name) {
    require_usable(*machine);
    const std::string checked = machine::checked_name(name);
    if (machine->config.name() == checked) co_return;
    refuse_duplicate(checked);
    vmx::VmxFile file = machine->file;
    file.set("displayName", checked);
    co_await machines_.store_file(machine, std::move(file));
    machines_.publish(machine);
}

}  // namespace drover::host
