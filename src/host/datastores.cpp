#include "host/datastores.hpp"

#include <fmt/format.h>

#include <map>

#include "base/log.hpp"
#include "host/inventory_root.hpp"
#include "host/references.hpp"
#include "storage/directory/directory_datastore.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::Datastore;

namespace {

constexpr std::string_view kRecordKind = "datastore";
constexpr std::string_view kAddedKind = "local_datastore";
constexpr std::string_view kNameKind = "datastore_name";

std::string mount_path(const DatastoreEntry& entry) {
    return "/vmfs/volumes/" + entry.ref.id;
}

vim::DatastoreCapability make_capability() {
    auto capability = vim::DatastoreCapability::make();
    capability.set_directoryHierarchySupported(true);
    capability.set_rawDiskMappingsSupported(false);
    capability.set_perFileThinProvisioningSupported(true);
    capability.set_storageIORMSupported(false);
    capability.set_nativeSnapshotSupported(false);
    capability.set_topLevelDirectoryCreateSupported(true);
    capability.set_seSparseSupported(false);
    return capability;
}

vim::DatastoreSummary make_summary(const DatastoreEntry& entry) {
    auto summary = vim::DatastoreSummary::make();
    summary.set_datastore(entry.ref);
    summary.set_name(entry.name);
    summary.set_url("ds://" + mount_path(entry) + "/");
    summary.set_capacity(static_cast<std::int64_t>(entry.info.capacity_bytes));
    summary.set_freeSpace(static_cast<std::int64_t>(entry.info.free_bytes));
    summary.set_accessible(entry.info.accessible);
    summary.set_multipleHostAccess(true);
    summary.set_type("local");
    summary.set_maintenanceMode("normal");
    return summary;
}

vim::LocalDatastoreInfo make_info(const DatastoreEntry& entry, base::WallTime now) {
    auto info = vim::LocalDatastoreInfo::make();
    info.set_name(entry.name);
    info.set_url("ds://" + mount_path(entry) + "/");
    info.set_freeSpace(static_cast<std::int64_t>(entry.info.free_bytes));
    info.set_maxFileSize(static_cast<std::int64_t>(entry.info.max_file_size_bytes));
    info.set_maxVirtualDiskCapacity(static_cast<std::int64_t>(entry.info.max_file_size_bytes));
    info.set_timestamp(now);
    info.set_path(mount_path(entry));
    return info;
}

Value make_host_mounts(const DatastoreEntry& entry) {
    auto mount = vim::HostMountInfo::make();
    mount.set_path(mount_path(entry));
    mount.set_accessMode("readWrite");
    mount.set_mounted(true);
    mount.set_accessible(entry.info.accessible);
    if (!entry.info.accessible) mount.set_inaccessibleReason("PermanentDeviceLoss");
    auto made = vim::DatastoreHostMount::make();
    made.set_key(references::host);
    made.set_mountInfo(mount);
    return Value::array(TypeId::DatastoreHostMount, {made.raw()});
}

}  // namespace

Awaitable<void> Datastores::start() {
    struct Stored {
        std::vector<store::Record> added;
        std::map<std::string, std::string> names;
    };
    const Stored stored = co_await context_.runtime.blocking(
        "store",
        [this] {
            Stored found{context_.store.load(kAddedKind), {}};
            for (const auto& record : context_.store.load(kNameKind)) {
                found.names[record.id] = record.value;
            }
            return found;
        },
        kCallLimit);
    const auto shown_name = [&](const std::string& key) {
        const auto renamed = stored.names.find(key);
        return renamed == stored.names.end() ? key : renamed->second;
    };
    for (const Config::Datastore& configured : context_.config.datastores) {
        co_await open(configured, shown_name(configured.name), true);
    }
    for (const store::Record& record : stored.added) {
        if (find(shown_name(record.id)) != nullptr) {
            base::log_warning("datastore '{}' is in the configuration file as well", record.id);
            continue;
        }
        co_await open({record.id, record.value}, shown_name(record.id), false);
    }
    serve_methods();
    context_.runtime.spawn("datastore watch", watch());
}

Awaitable<DatastoreEntry*> Datastores::open(Config::Datastore configured, std::string shown_name,
                                            bool is_configured) {
    auto entry = std::make_unique<DatastoreEntry>();
    entry->name = shown_name;
    entry->key = configured.name;
    entry->path = configured.path;
    entry->is_configured = is_configured;
    struct Opened {
        std::shared_ptr<storage::Datastore> store;
        storage::DatastoreInfo info;
        std::string reference;
    };
    auto opened = co_await context_.runtime.blocking(
        entry->queue(),
        [this, configured, shown_name] {
            Opened made;
            const auto known = context_.store.get(kRecordKind, configured.name);
            made.store = storage::open_directory_datastore(shown_name, configured.path,
                                                           known ? known->name : "");
            made.info = made.store->info();
            made.reference = remember(configured.name, made.info.uuid);
            return made;
        },
        kCallLimit);
    entry->store = std::move(opened.store);
    entry->info = std::move(opened.info);
    entry->ref = {TypeId::Datastore, opened.reference};
    entry->browser = {TypeId::HostDatastoreBrowser, "datastoreBrowser-" + opened.reference};
    if (!entry->info.accessible) {
        base::log_warning("datastore '{}' is not accessible: {}", entry->name,
                          entry->info.inaccessible_reason);
    }
    create_objects(*entry);
    entries_.push_back(std::move(entry));
    co_return entries_.back().get();
}

// The reference is the datastore's own uuid, if it can be seen when it is met for the first time.
// What was chosen is kept, so that references survive a start without the datastore; so is the
// uuid, so that another datastore that turns up in its place is refused.
std::string Datastores::remember(const std::string& name, const std::string& uuid) {
    const auto known = context_.store.get(kRecordKind, name);
    if (known && (uuid.empty() || known->name == uuid)) return known->value;
    store::Record record;
    record.kind = kRecordKind;
    record.id = name;
    record.name = uuid;
    record.value = known ? known->value : uuid.empty() ? context_.random.uuid() : uuid;
    const std::string chosen = record.value;
    context_.store.commit_and_wait(store::Batch().put(std::move(record)));
    return chosen;
}

void Datastores::create_objects(const DatastoreEntry& entry) {
    Transaction transaction(context_.inventory);
    transaction.create(entry.ref.type, entry.ref.id);
    set_entity_basics(transaction, entry.ref, entry.name, references::datastore_folder);
    transaction.set(entry.ref, property::capability, make_capability().raw());
    transaction.set(entry.ref, property::browser, Value::moref(entry.browser));
    transaction.set(entry.ref, property::vm, Value::array(TypeId::VirtualMachine, {}));
    transaction.create(entry.browser.type, entry.browser.id);
    transaction.set(entry.browser, vim::property::HostDatastoreBrowser::datastore,
                    Value::array(TypeId::Datastore, {Value::moref(entry.ref)}));
    publish(transaction, entry);
    namespace names = vim::property;
    transaction.add_reference(references::datastore_folder, names::Folder::childEntity, entry.ref);
    transaction.add_reference(references::datacenter, names::Datacenter::datastore, entry.ref);
    transaction.add_reference(references::compute_resource, names::ComputeResource::datastore,
                              entry.ref);
    transaction.add_reference(references::host, names::HostSystem::datastore, entry.ref);
    transaction.commit();
}

void Datastores::publish(Transaction& transaction, const DatastoreEntry& entry) {
    transaction.set(entry.ref, property::summary, make_summary(entry).raw());
    transaction.set(entry.ref, property::info,
                    make_info(entry, context_.runtime.clock().wall_now()).raw());
    transaction.set(entry.ref, property::host, make_host_mounts(entry));
    const auto status =
        entry.info.accessible ? vim::ManagedEntityStatus::green : vim::ManagedEntityStatus::red;
    transaction.set(entry.ref, property::overallStatus,
                    vim::Convert<vim::ManagedEntityStatus>::to(status));
}

Awaitable<void> Datastores::refresh(DatastoreEntry& entry) {
    storage::DatastoreInfo info = entry.info;
    try {
        info = co_await run(entry, [](storage::Datastore& store) { return store.info(); });
    } catch (const task::BlockingTimeout&) {
        info.accessible = false;
        info.inaccessible_reason = "the storage does not answer";
    }
    if (entry.is_removed) co_return;
    const bool changed = info.accessible != entry.info.accessible;
    const bool differs = changed || info.free_bytes != entry.info.free_bytes ||
                         info.capacity_bytes != entry.info.capacity_bytes;
    entry.info = std::move(info);
    if (differs) {
        Transaction transaction(context_.inventory);
        publish(transaction, entry);
        transaction.commit();
    }
    if (!changed) co_return;
    if (entry.info.accessible) {
        base::log_info("datastore '{}' is accessible again", entry.name);
        co_await run(entry, [this, key = entry.key, uuid = entry.info.uuid](storage::Datastore&) {
            remember(key, uuid);
        });
    } else {
        base::log_warning("datastore '{}' is not accessible: {}", entry.name,
                          entry.info.inaccessible_reason);
    }
    if (on_change_) on_change_(entry);
}

Awaitable<void> Datastores::watch() {
    while (true) {
        co_await context_.runtime.sleep(look_interval_);
        for (const auto& entry : entries_) {
            // A look that hangs must not pile up behind itself, nor hold up the other datastores.
            if (context_.runtime.queues().stuck_for(entry->queue()) > look_interval_) continue;
            context_.runtime.spawn("datastore look", refresh(*entry));
        }
    }
}

storage::CopyControl Datastores::control_for(const task::TaskContextPtr& task) const {
    const auto source = std::make_shared<std::stop_source>();
    task->on_cancel([source] { source->request_stop(); });
    storage::CopyControl control;
    control.stop = source->get_token();
    control.progress = [task, strand = context_.runtime.strand()](std::uint64_t done,
                                                                  std::uint64_t total) {
        const int percent = total == 0 ? 0 : static_cast<int>(done * 100 / total);
        boost::asio::post(strand, [task, percent] { task->set_progress(percent); });
    };
    return control;
}

DatastoreEntry* Datastores::find(std::string_view name) const {
    for (const auto& entry : entries_) {
        if (entry->name == name) return entry.get();
    }
    return nullptr;
}

DatastoreEntry* Datastores::find(const MoRef& ref) const {
    for (const auto& entry : entries_) {
        if (entry->ref.id == ref.id) return entry.get();
    }
    return nullptr;
}

DatastoreEntry& Datastores::of_path(const storage::DatastorePath& path) const {
    DatastoreEntry* entry = find(path.datastore());
    if (entry == nullptr) {
        auto fault = vim::InvalidDatastorePath::make();
        fault.set_datastorePath(path.to_string());
        fault.set_name(path.datastore());
        throw vim::Fault(fault, fmt::format("There is no datastore '{}' for '{}'.",
                                            path.datastore(), path.to_string()));
    }
    return *entry;
}

storage::DatastorePath Datastores::parse_path(std::string_view text) {
    auto parsed = storage::DatastorePath::parse(text);
    if (!parsed) {
        auto fault = vim::InvalidDatastorePath::make();
        fault.set_datastorePath(text);
        throw vim::Fault(fault,
                         fmt::format("Invalid datastore path '{}': {}.", text, parsed.error()));
    }
    return *std::move(parsed);
}

void Datastores::add_machine(Transaction& transaction, const std::string& name,
                             const MoRef& machine) {
    if (const DatastoreEntry* entry = find(name)) {
        transaction.add_reference(entry->ref, property::vm, machine);
    }
}

void Datastores::remove_machine(Transaction& transaction, const std::string& name,
                                const MoRef& machine) {
    if (const DatastoreEntry* entry = find(name)) {
        transaction.remove_reference(entry->ref, property::vm, machine);
    }
}

void Datastores::serve_methods() {
    context_.dispatcher.add("RefreshDatastore", [this](task::Call call) -> Awaitable<Value> {
        DatastoreEntry* entry = find(call.self);
        if (entry == nullptr) throw vim::object_not_found(call.self);
        co_await refresh(*entry);
        co_return Value{};
    });
    context_.dispatcher.add("RefreshDatastoreStorageInfo",
                            [this](task::Call call) -> Awaitable<Value> {
                                DatastoreEntry* entry = find(call.self);
                                if (entry == nullptr) throw vim::object_not_found(call.self);
                                co_await refresh(*entry);
                                co_return Value{};
                            });
}

}  // namespace drover::host
