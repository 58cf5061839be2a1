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

    std::string queue() const { return "datastore:" + name; }
};

class Datastores {
public:
    /// How often the state is looked at.
    static constexpr std::chrono::seconds kLookInterval{5};
    static constexpr std::chrono::seconds kCallLimit{60};

    explicit Datastores(const HostBasics& context) : context_(context) {}

    /// Opens what is configured and makes the managed objects. An inaccessible datastore is there
    /// as well, and comes back by itself. Call once, on the strand.
    task::Awaitable<void> start();

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

    /// Looks at the state now (RefreshDatastore) and publishes it.
    task::Awaitable<void> refresh(DatastoreEntry& entry);

    /// Keeps Datastore.vm. Inside the caller's transaction.
    void add_machine(model::Transaction& transaction, const std::string& name,
                     const vim::MoRef& machine);
    void remove_machine(model::Transaction& transaction, const std::string& name,
                        const vim::MoRef& machine);

private:
    task::Awaitable<void> open(const Config::Datastore& configured);
    task::Awaitable<void> watch();
    void create_objects(const DatastoreEntry& entry);
    void publish(model::Transaction& transaction, const DatastoreEntry& entry);
    std::string remember(const std::string& name, const std::string& uuid);
    void serve_methods();

    const HostBasics& context_;
    std::vector<std::unique_ptr<DatastoreEntry>> entries_;
    std::function<void(const DatastoreEntry&)> on_change_;
};

}  // namespace drover::host
