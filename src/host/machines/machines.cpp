#include "host/machines/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/inventory_root.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kRecordKind = "vm";
constexpr std::string_view kCounterKind = "counter";
constexpr std::chrono::seconds kStoreLimit{60};

machine::Provisioning provisioning_of(storage::Provisioning provisioning) {
    switch (provisioning) {
        case storage::Provisioning::thin:
            return machine::Provisioning::thin;
        case storage::Provisioning::thick_lazy:
            return machine::Provisioning::thick_lazy;
        case storage::Provisioning::thick_eager:
            return machine::Provisioning::thick_eager;
    }
    return machine::Provisioning::thin;
}

machine::DiskFacts facts_of(const storage::DiskDescription& disk) {
    machine::DiskFacts facts;
    facts.capacity_bytes = static_cast<std::int64_t>(disk.capacity_bytes);
    facts.provisioning = provisioning_of(disk.provisioning);
    facts.uuid = disk.uuid;
    facts.content_id = fmt::format("{:08x}", disk.content_id);
    if (disk.chain.size() > 1) facts.parent = disk.chain[1].descriptor.to_string();
    facts.adapter = disk.adapter_type;
    facts.used_bytes = static_cast<std::int64_t>(disk.allocated_bytes);
    facts.extent_file = disk.chain.front().data.to_string();
    return facts;
}

// VirtualMachineFileLayoutExFileType of what lies in a machine's directory; empty for disks, which
// are listed by what the machine says of them, and for what is none of its files.
std::string_view file_type(std::string_view name) {
    if (name.ends_with(".vmx")) return "config";
    if (name.ends_with(".nvram")) return "nvram";
    if (name.ends_with(".log")) return "log";
    if (name.ends_with(".vmss")) return "suspend";
    return {};
}

// The facts of one disk and of the disks it is based on. What can't be read is left out.
machine::Disks describe_disks(storage::Datastore& store, const storage::DatastorePath& path) {
    machine::Disks found;
    storage::DatastorePath at = path;
    for (std::size_t depth = 0; depth < storage::VolumeStore::kMaxChain; ++depth) {
        try {
            const auto disk = store.volumes().describe_disk(at);
            found[at.to_string()] = facts_of(disk);
            if (disk.chain.size() < 2) break;
            at = disk.chain[1].descriptor;
        } catch (const storage::StorageError& error) {
            base::log_warning("disk {}: {}", at.to_string(), error.what());
            break;
        }
    }
    return found;
}

}  // namespace

Awaitable<void> Machines::start() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kRecordKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        const auto value = nlohmann::json::parse(record.value, nullptr, false);
        const auto path = storage::DatastorePath::parse(
            value.is_object() ? value.value("path", std::string{}) : std::string{});
        if (!path) {
            base::log_error("the record of machine {} is damaged, left alone", record.id);
            continue;
        }
        co_await add(VmId(record.id), *path, value.value("template", false));
    }
}

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
    const auto at = std::ranges::find_if(
        machines_, [&](const auto& item) { return item.second->uuid() == uuid; });
    return at == machines_.end() ? nullptr : at->second;
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
                                  bool is_template) {
    store::Record record;
    record.kind = kRecordKind;
    record.id = id.value();
    record.value = nlohmann::json{{"path", path.to_string()}, {"template", is_template}}.dump();
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

Awaitable<MachinePtr> Machines::add(VmId id, storage::DatastorePath path, bool is_template) {
    auto machine = std::make_shared<Machine>();
    machine->id = id;
    machine->ref = {TypeId::VirtualMachine, id.value()};
    machine->path = std::move(path);
    machine->is_template = is_template;
    co_await load(machine);
    machines_[id.value()] = machine;
    Transaction transaction(context_.inventory);
    create_object(transaction, *machine);
    show(transaction, *machine);
    transaction.commit();
    co_return machine;
}

void Machines::remove(const MachinePtr& machine) {
    Transaction transaction(context_.inventory);
    namespace names = vim::property;
    transaction.remove_reference(references::vm_folder, names::Folder::childEntity, machine->ref);
    transaction.remove_reference(references::host, names::HostSystem::vm, machine->ref);
    transaction.remove_reference(references::root_pool, names::ResourcePool::vm, machine->ref);
    for (const auto& datastore : context_.datastores.all()) {
        context_.datastores.remove_machine(transaction, datastore->name, machine->ref);
    }
    context_.networks.remove_machine(transaction, machine->ref);
    transaction.destroy(machine->ref);
    transaction.commit();
    machines_.erase(machine->id.value());
}

Awaitable<vmx::VmxFile> Machines::read_file(storage::DatastorePath path) {
    DatastoreEntry& entry = context_.datastores.of_path(path);
    const std::string text = co_await context_.datastores.run(
        entry,
        [path](storage::Datastore& store) { return store.blobs().read(path, kVmxLimitBytes); });
    auto parsed = vmx::VmxFile::parse(text);
    if (!parsed) {
        auto fault = vim::InvalidVmConfig::make();
        fault.set_property("config.files.vmPathName");
        throw vim::Fault(fault, fmt::format("{}: line {}: {}", path.to_string(),
                                            parsed.error().line, parsed.error().reason));
    }
    co_return *std::move(parsed);
}

Awaitable<void> Machines::load(MachinePtr machine) {
    try {
        auto file = co_await read_file(machine->path);
        co_await adopt_file(machine, std::move(file));
        machine->datastore_accessible = true;
    } catch (...) {
        const vim::Fault fault = fault_of(std::current_exception());
        machine->datastore_accessible =
            !fault.fault().is<vim::InaccessibleDatastore>() && !fault.fault().is<vim::Timedout>();
        machine->problem = fault.message();
        base::log_warning("machine {} ({}): {}", machine->id.value(), machine->path.to_string(),
                          machine->problem);
        if (!machine->config) {
            // Nothing is known but where it lies; that much is shown.
            machine::ReadContext nothing;
            nothing.vm_path = machine->path.to_string();
            machine->config = machine::config_from_vmx(vmx::VmxFile(), nothing);
            machine->config.set_name(machine->path.to_string());
        }
    }
    if (machine->config) machine->config.set_template(machine->is_template);
}

Awaitable<machine::ReadContext> Machines::read_context(storage::DatastorePath path,
                                                       vmx::VmxFile file,
                                                       std::vector<std::string> more_disks) {
    machine::ReadContext context;
    context.vm_path = path.to_string();
    context.modified = context_.runtime.clock().wall_now();
    for (const auto& entry : context_.datastores.all()) {
        context.datastores[entry->name] = {.url = "ds:///vmfs/volumes/" + entry->ref.id + "/",
                                           .volume = entry->ref.id,
                                           .reference = entry->ref};
    }
    for (const NetworkEntry& network : context_.networks.all()) {
        context.networks[network.name] = network.ref;
    }
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
    auto context = co_await read_context(machine->path, file);
    if (machine->domain) context.connected = machine->connected;
    machine->config = machine::config_from_vmx(file, context);
    machine->config.set_template(machine->is_template);
    machine->disks = std::move(context.disks);
    machine->datastores = std::move(context.datastores);
    machine->files = co_await list_files(machine->path);
    machine->file = std::move(file);
    machine->suspended = !machine->file.get("checkpoint.vmState").value_or("").empty();
    machine->problem.clear();
}

Awaitable<std::vector<machine::MachineFile>> Machines::list_files(storage::DatastorePath path) {
    co_return co_await context_.datastores.run(
        context_.datastores.of_path(path), [path](storage::Datastore& store) {
            std::vector<machine::MachineFile> files;
            for (const auto& info : store.blobs().list(path.parent())) {
                const std::string_view type = file_type(info.name);
                const auto child = path.parent().child(info.name);
                if (type.empty() || !child || info.kind != storage::FileKind::file) continue;
                files.push_back({child->to_string(), std::string(type),
                                 static_cast<std::int64_t>(info.allocated_bytes)});
            }
            return files;
        });
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
