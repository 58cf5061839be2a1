#pragma once

// The host's datastores: what is configured, what state it is in, and the managed objects for it.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "storage/datastore.hpp"

namespace drover::host {

/// One datastore. `store` may be used in the datastore's blocking queue only: see Datastores::run.
struct DatastoreEntry {
    std::string name;
    vim::MoRef ref;
    vim::MoRef browser;
    std::shared_ptr<storage::Datastore> store;
    storage::DatastoreInfo info;  ///< as of the last look
    /// The name under which it was met first; what is stored about it goes by this one.
    std::string key = {};
    std::filesystem::path path = {};
    bool is_configured = true;  ///< by the configuration file
    bool is_removed = false;    ///< no longer one of the host's; whoever still has it lets go

    std::string queue() const { return "datastore:" + (key.empty() ? name : key); }
};

class Datastores {
public:
    /// How often the state is looked at, unless set_look_interval() says.
    static constexpr std::chrono::seconds kLookInterval{5};
    static constexpr std::chrono::seconds kCallLimit{60};

    explicit Datastores(const HostBasics& context) : context_(context) {}

    /// Opens what is configured and makes the managed objects. An inaccessible datastore is there
    /// as well, and comes back by itself. Call once, on the strand.
    task::Awaitable<void> start();

    void set_look_interval(std::chrono::seconds interval) { look_interval_ = interval; }

    /// Called on the strand when a datastore's accessibility changed.
    void on_change(std::function<void(const DatastoreEntry&)> callback) {
        on_change_ = std::move(callback);
    }

    const std::vector<std::unique_ptr<DatastoreEntry>>& all() const { return entries_; }
    DatastoreEntry* find(std::string_view name) const;
    DatastoreEntry* find(const vim::MoRef& ref) const;
    /// By a datastore path; InvalidDatastorePath or InvalidDatastore if there is none of that name.
    DatastoreEntry& of_path(const storage::DatastorePath& path) const;

    /// Parses a datastore path of a request. InvalidDatastorePath names it and the reason.
    static storage::DatastorePath parse_path(std::string_view text);

    /// Runs blocking work with a datastore in its queue.
    template <class Work>
    auto run(DatastoreEntry& entry, Work work, std::chrono::milliseconds limit = kCallLimit)
        -> task::Awaitable<std::invoke_result_t<Work&, storage::Datastore&>> {
        return context_.runtime.blocking(
            entry.queue(),
            [store = entry.store, work = std::move(work)]() mutable { return work(*store); },
            limit);
    }

    /// The same for work that takes long (copies, thick disks): in a queue of its own, so that it
    /// does not hold up what is short.
    template <class Work>
    auto run_long(DatastoreEntry& entry, Work work,
                  std::chrono::milliseconds limit = std::chrono::hours(24))
        -> task::Awaitable<std::invoke_result_t<Work&, storage::Datastore&>> {
        return context_.runtime.blocking(
            entry.queue() + ":long",
            [store = entry.store, work = std::move(work)]() mutable { return work(*store); },
            limit);
    }

    /// Lets a task show the progress of storage work and stop it. On the strand.
    storage::CopyControl control_for(const task::TaskContextPtr& task) const;

    /// Makes a directory of this host a datastore, for good. Throws StorageError if it can't be
    /// one. The caller has checked the name. The result holds for as long as the host runs.
    task::Awaitable<DatastoreEntry*> add(std::string name, std::filesystem::path path);
    /// Forgets a datastore that was added; its files stay. It must have no machines.
    task::Awaitable<void> remove(DatastoreEntry& entry);
    /// Gives a datastore another name, and stores `batch` with it: the paths of its machines, which
    /// the caller then has to change.
    task::Awaitable<void> rename(DatastoreEntry& entry, std::string name, store::Batch batch);

    /// Looks at the state now (RefreshDatastore) and publishes it.
    task::Awaitable<void> refresh(DatastoreEntry& entry);

    /// Keeps Datastore.vm. Inside the caller's transaction.
    void add_machine(model::Transaction& transaction, const std::string& name,
                     const vim::MoRef& machine);
    void remove_machine(model::Transaction& transaction, const std::string& name,
                        const vim::MoRef& machine);

private:
    task::Awaitable<DatastoreEntry*> open(Config::Datastore configured, std::string shown_name,
                                          bool is_configured);
    void show_list();
    task::Awaitable<void> watch();
    void create_objects(const DatastoreEntry& entry);
    void publish(model::Transaction& transaction, const DatastoreEntry& entry);
    std::string remember(const std::string& name, const std::string& uuid);
    void serve_methods();

    const HostBasics& context_;
    std::vector<std::unique_ptr<DatastoreEntry>> entries_;
    std::vector<std::unique_ptr<DatastoreEntry>> removed_;  // somebody may still hold them
    std::function<void(const DatastoreEntry&)> on_change_;
    std::chrono::seconds look_interval_ = kLookInterval;
};

}  // namespace drover::host
