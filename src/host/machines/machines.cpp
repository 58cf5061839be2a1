#include "host/machines/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/inventory_root.hpp"
#include "host/machines/reading.hpp"
#include "host/references.hpp"
#include "machine/connection.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kCounterKind = "counter";
constexpr std::chrono::seconds kStoreLimit{60};

}  // namespace

MachinePtr Machines::find(const MoRef& ref) const {
    const auto at = machines_.find(ref.id);
    return at == machines_.end() ? nullptr : at->second;
}

MachinePtr Machines::get(const MoRef& ref) const {
    auto machine = find(ref);
    if (!machine) throw vim::object_not_found(ref);
    return machine;
}

MachinePtr Machines::find_by_uuid(const hypervisor::DomainUuid& uuid) const {
    const auto at = by_uuid_.find(uuid);
    return at == by_uuid_.end() ? nullptr : at->second;
}

void Machines::index(const MachinePtr& machine) {
    const auto uuid = machine->uuid();
    if (machine->indexed_uuid == uuid) return;
    forget_uuid(machine);
    machine->indexed_uuid = uuid;
    // Of several with one uuid (copies that were registered) the first counts, as long as it stays.
    by_uuid_.try_emplace(uuid, machine);
}

void Machines::forget_uuid(const MachinePtr& machine) {
    const auto at = by_uuid_.find(machine->indexed_uuid);
    if (at == by_uuid_.end() || at->second != machine) return;
    by_uuid_.erase(at);
    for (const auto& [_, other] : machines_) {
        if (other == machine || other->indexed_uuid != machine->indexed_uuid) continue;
        by_uuid_.emplace(other->indexed_uuid, other);
        break;
    }
}

MachinePtr Machines::find_by_path(const storage::DatastorePath& path) const {
    const auto at = std::ranges::find_if(
        machines_, [&](const auto& item) { return item.second->path == path; });
    return at == machines_.end() ? nullptr : at->second;
}

MachinePtr Machines::find_by_name(std::string_view name) const {
    const auto at = std::ranges::find_if(
        machines_, [&](const auto& item) { return item.second->config.name() == name; });
    return at == machines_.end() ? nullptr : at->second;
}

std::vector<MachinePtr> Machines::all() const {
    std::vector<MachinePtr> list;
    for (const auto& [_, machine] : machines_) list.push_back(machine);
    return list;
}

Awaitable<VmId> Machines::next_id() {
    const auto number = co_await context_.runtime.blocking(
        "store",
        [this] {
            const auto last = context_.store.get(kCounterKind, kRecordKind);
            store::Record next;
            next.kind = kCounterKind;
            next.id = kRecordKind;
            next.value = std::to_string(last ? std::stoll(last->value) + 1 : 1);
            const std::string made = next.value;
            context_.store.commit_and_wait(
                store::Batch().put(std::move(next), last ? last->version : 0));
            return made;
        },
        kStoreLimit);
    co_return VmId(number);
}

store::Record Machines::record_of(const VmId& id, const storage::DatastorePath& path,
                                  bool is_template, const MoRef& pool) {
    store::Record record;
    record.kind = kRecordKind;
    record.id = id.value();
    record.value =
        nlohmann::json{{"path", path.to_string()}, {"template", is_template}, {"pool", pool.id}}
            .dump();
    return record;
}

void Machines::remove_record(store::Batch& batch, const VmId& id) {
    batch.remove(std::string(kRecordKind), id.value());
}

bool Machines::has_record(const store::Store& store, const VmId& id) {
    return store.get(std::string(kRecordKind), id.value()).has_value();
}

bool Machines::has_record_of(const store::Store& store, const storage::DatastorePath& path) {
    return std::ranges::any_of(store.load(std::string(kRecordKind)), [&](const auto& record) {
        const auto value = nlohmann::json::parse(record.value, nullptr, false);
        return value.is_object() && value.value("path", std::string{}) == path.to_string();
    });
}

Awaitable<MachinePtr> Machines::add(VmId id, storage::DatastorePath path, bool is_template,
                                    MoRef pool) {
    auto machine = std::make_shared<Machine>();
    machine->id = id;
    machine->ref = {TypeId::VirtualMachine, id.value()};
    machine->path = std::move(path);
    machine->is_template = is_template;
    machine->pool = std::move(pool);
    co_await admit(machine);
    co_return machine;
}

Awaitable<void> Machines::admit(MachinePtr machine) {
    co_await load(machine);
    if (!context_.inventory.find(machine->pool)) machine->pool = references::root_pool;
    machines_[machine->id.value()] = machine;
    index(machine);
    Transaction transaction(context_.inventory);
    create_object(transaction, *machine);
    show(transaction, *machine);
    transaction.commit();
}

void Machines::remove(const MachinePtr& machine) {
    Transaction transaction(context_.inventory);
    namespace names = vim::property;
    transaction.remove_reference(references::vm_folder, names::Folder::childEntity, machine->ref);
    transaction.remove_reference(references::host, names::HostSystem::vm, machine->ref);
    transaction.remove_reference(machine->pool, names::ResourcePool::vm, machine->ref);
    for (const auto& datastore : context_.datastores.all()) {
        context_.datastores.remove_machine(transaction, datastore->name, machine->ref);
    }
    context_.networks.remove_machine(transaction, machine->ref);
    transaction.destroy(machine->ref);
    transaction.commit();
    forget_uuid(machine);
    machines_.erase(machine->id.value());
}

Awaitable<vmx::VmxFile> Machines::read_file(storage::DatastorePath path) {
    DatastoreEntry& entry = context_.datastores.of_path(path);
    co_return co_await context_.datastores.run(
        entry, [path](storage::Datastore& store) { return read_vmx(store, path); });
}

Awaitable<void> Machines::load(MachinePtr machine) {
    try {
        auto context = known_places();
        if (machine->domain) context.connected = machine->connected;
        DatastoreEntry& home = context_.datastores.of_path(machine->path);
        auto reading = co_await context_.datastores.run(
            home, [path = machine->path, context](storage::Datastore& store) {
                return read_machine(store, path, context);
            });
        if (reading) {
            adopt(*machine, *std::move(reading));
        } else {
            auto file = co_await read_file(machine->path);
            co_await adopt_file(machine, std::move(file));
        }
        machine->datastore_accessible = true;
    } catch (...) {
        note_failure(*machine, std::current_exception());
    }
    if (machines_.contains(machine->id.value())) index(machine);
}

void Machines::derive_again(Machine& machine) {
    const auto config = machine::with_connections(machine.config, machine.connected);
    machine.config = vim::VirtualMachineConfigInfo(interner_.intern(config.raw()));
}

void Machines::note_failure(Machine& machine, const std::exception_ptr& error) {
    const vim::Fault fault = fault_of(error);
    machine.datastore_accessible =
        !fault.fault().is<vim::InaccessibleDatastore>() && !fault.fault().is<vim::Timedout>();
    machine.problem = fault.message();
    base::log_warning("machine {} ({}): {}", machine.id.value(), machine.path.to_string(),
                      machine.problem);
    if (!machine.config) {
        // Nothing is known but where it lies; that much is shown.
        machine::ReadContext nothing;
        nothing.vm_path = machine.path.to_string();
        machine.config = machine::config_from_vmx(vmx::VmxFile(), nothing);
        machine.config.set_name(machine.path.to_string());
    }
    machine.config.set_template(machine.is_template);
}

machine::ReadContext Machines::known_places() const {
    machine::ReadContext context;
    context.modified = context_.runtime.clock().wall_now();
    for (const auto& entry : context_.datastores.all()) {
        context.datastores[entry->name] = {.url = "ds:///vmfs/volumes/" + entry->ref.id + "/",
                                           .volume = entry->ref.id,
                                           .reference = entry->ref};
    }
    for (const NetworkEntry& network : context_.networks.all()) {
        context.networks[network.name] = network.ref;
    }
    return context;
}

Awaitable<machine::ReadContext> Machines::read_context(storage::DatastorePath path,
                                                       vmx::VmxFile file,
                                                       std::vector<std::string> more_disks) {
    machine::ReadContext context = known_places();
    context.vm_path = path.to_string();
    auto names = machine::disk_files(file, context);
    names.insert(names.end(), more_disks.begin(), more_disks.end());
    for (const std::string& name : names) {
        const auto disk = storage::DatastorePath::parse(name);
        if (!name.ends_with(".vmdk") || !disk || context.disks.contains(name)) continue;
        DatastoreEntry* entry = context_.datastores.find(disk->datastore());
        if (entry == nullptr) continue;
        context.disks.merge(co_await context_.datastores.run(
            *entry,
            [disk = *disk](storage::Datastore& store) { return describe_disks(store, disk); }));
    }
    co_return context;
}

Awaitable<void> Machines::store_file(MachinePtr machine, vmx::VmxFile file) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    co_await context_.datastores.run(
        entry, [path = machine->path, text = file.to_string()](storage::Datastore& store) {
            store.blobs().write(path, text);
        });
    co_await adopt_file(machine, std::move(file));
}

Awaitable<void> Machines::adopt_file(MachinePtr machine, vmx::VmxFile file) {
    MachineReading reading;
    reading.context = co_await read_context(machine->path, file);
    if (machine->domain) reading.context.connected = machine->connected;
    reading.config = machine::config_from_vmx(file, reading.context);
    reading.files =
        co_await context_.datastores.run(context_.datastores.of_path(machine->path),
                                         [path = machine->path](storage::Datastore& store) {
                                             return list_machine_files(store, path);
                                         });
    reading.file = std::move(file);
    adopt(*machine, std::move(reading));
    if (machines_.contains(machine->id.value())) index(machine);
}

void Machines::adopt(Machine& machine, MachineReading reading) {
    reading.config.set_template(machine.is_template);
    machine.config = vim::VirtualMachineConfigInfo(interner_.intern(reading.config.raw()));
    machine.disks = std::move(reading.context.disks);
    machine.datastores = std::move(reading.context.datastores);
    machine.files = std::move(reading.files);
    machine.file = std::move(reading.file);
    machine.suspended = !machine.file.get("checkpoint.vmState").value_or("").empty();
    machine.problem.clear();
}

std::set<std::string, std::less<>> Machines::macs_in_use() const {
    std::set<std::string, std::less<>> macs;
    for (const auto& [_, machine] : machines_) {
        for (const auto& device : machine->config.hardware().device()) {
            const auto nic = device.as<vim::VirtualEthernetCard>();
            if (nic && nic.macAddress()) macs.emplace(*nic.macAddress());
        }
    }
    return macs;
}

}  // namespace drover::host
