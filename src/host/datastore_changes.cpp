// Datastores that are added, renamed and removed while the host runs.

#include <algorithm>

#include "base/log.hpp"
#include "host/datastores.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "storage/directory/directory_datastore.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kAddedKind = "local_datastore";
constexpr std::string_view kNameKind = "datastore_name";
constexpr std::string_view kRecordKind = "datastore";
constexpr std::chrono::seconds kStoreLimit{30};

store::Record record(std::string_view kind, const std::string& id, std::string value) {
    store::Record made;
    made.kind = kind;
    made.id = id;
    made.value = std::move(value);
    return made;
}

}  // namespace

Awaitable<DatastoreEntry*> Datastores::add(std::string name, std::filesystem::path path) {
    DatastoreEntry* entry = co_await open({name, path}, name, false);
    std::exception_ptr failure;
    try {
        if (!entry->info.accessible) {
            throw storage::StorageError(storage::StorageErrorKind::inaccessible, "[" + name + "]",
                                        entry->info.inaccessible_reason);
        }
        store::Batch batch;
        batch.put(record(kAddedKind, name, path.string()));
        co_await context_.runtime.blocking(
            "store", [this, batch] { context_.store.commit_and_wait(batch); }, kStoreLimit);
        base::log_info("datastore '{}' is {}", name, path.string());
        show_list();
        co_return entry;
    } catch (...) {
        failure = std::current_exception();
    }
    co_await remove(*entry);
    std::rethrow_exception(failure);
}

Awaitable<void> Datastores::remove(DatastoreEntry& entry) {
    store::Batch batch;
    batch.remove(std::string(kAddedKind), entry.key);
    batch.remove(std::string(kNameKind), entry.key);
    batch.remove(std::string(kRecordKind), entry.key);
    co_await context_.runtime.blocking(
        "store", [this, batch] { context_.store.commit_and_wait(batch); }, kStoreLimit);
    if (entry.is_removed) co_return;
    entry.is_removed = true;
    namespace names = vim::property;
    model::Transaction transaction(context_.inventory);
    transaction.remove_reference(references::datastore_folder, names::Folder::childEntity,
                                 entry.ref);
    transaction.remove_reference(references::datacenter, names::Datacenter::datastore, entry.ref);
    transaction.remove_reference(references::compute_resource, names::ComputeResource::datastore,
                                 entry.ref);
    transaction.remove_reference(references::host, names::HostSystem::datastore, entry.ref);
    transaction.destroy(entry.browser);
    transaction.destroy(entry.ref);
    transaction.commit();
    const auto at = std::ranges::find(entries_, &entry, &std::unique_ptr<DatastoreEntry>::get);
    if (at != entries_.end()) {
        removed_.push_back(std::move(*at));
        entries_.erase(at);
    }
    base::log_info("datastore '{}' was removed; its files stay", entry.name);
    show_list();
}

Awaitable<void> Datastores::rename(DatastoreEntry& entry, std::string name, store::Batch batch) {
    batch.put(record(kNameKind, entry.key, name));
    auto reopened = co_await context_.runtime.blocking(
        entry.queue(),
        [this, batch, name, path = entry.path, uuid = entry.info.uuid] {
            context_.store.commit_and_wait(batch);
            return std::shared_ptr<storage::Datastore>(
                storage::open_directory_datastore(name, path, uuid));
        },
        kCallLimit);
    base::log_info("datastore '{}' is now '{}'", entry.name, name);
    entry.name = name;
    entry.store = std::move(reopened);
    model::Transaction transaction(context_.inventory);
    transaction.set(entry.ref, vim::property::ManagedEntity::name, Value::string(name));
    publish(transaction, entry);
    transaction.commit();
}

// The lists of all datastores beside those of the inventory.
void Datastores::show_list() {
    std::vector<Value> list;
    for (const auto& entry : entries_) list.push_back(Value::moref(entry->ref));
    const Value all = Value::array(TypeId::Datastore, std::move(list));
    model::Transaction transaction(context_.inventory);
    if (transaction.exists(references::datastore_system)) {
        transaction.set(references::datastore_system, vim::property::HostDatastoreSystem::datastore,
                        all);
    }
    if (transaction.exists(references::datastore_browser)) {
        namespace browser = vim::property::HostDatastoreBrowser;
        transaction.set(references::datastore_browser, browser::datastore, all);
        const Value types = transaction.get(references::datastore_browser, browser::supportedType);
        for (const auto& entry : entries_) {
            transaction.set(entry->browser, browser::supportedType, types);
        }
    }
    const auto volumes = make_file_systems(*this);
    if (transaction.exists(references::storage_system)) {
        transaction.set(references::storage_system,
                        vim::property::HostStorageSystem::fileSystemVolumeInfo, volumes.raw());
    }
    edit_host_config(transaction,
                     [&](vim::HostConfigInfo& host) { host.set_fileSystemVolume(volumes); });
    transaction.commit();
}

}  // namespace drover::host
