#pragma once

// What an agent asks of its datastores, done to real files: slots and the plan on the one where
// hosts watch each other, leases wherever the machines are. Each kind has threads of its own, and
// each datastore, so that storage that hangs never stops the agent.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ha/agent/events.hpp"
#include "had/datastore/lease_store.hpp"
#include "had/datastore/work_queue.hpp"
#include "had/names.hpp"

namespace drover::had {

/// Where a machine's lease is.
struct LeasePlace {
    ha::MachineId machine{};
    std::string vmx_file{};  ///< "directory/file.vmx"
    std::string
        datastore{};  ///< one of the others, by its uuid; empty: where hosts watch each other
};

class DatastoreChannel {
public:
    /// Below the datastore's directory, and seen by whoever browses it.
    static constexpr std::string_view kDirectory = ".ha";

    /// `answer` is called on the channel's threads, at most once for each request, and possibly
    /// after the channel's end: it must own what it uses. So must `names`.
    DatastoreChannel(const LeaseStoreSettings& settings, std::shared_ptr<Names> names,
                     std::function<void(ha::Event)> answer);
    ~DatastoreChannel();

    /// Whose leases are read, in this order, and the other datastores that have some. Throws
    /// std::runtime_error if a place is on none of them.
    void protect(const std::vector<LeasePlace>& places,
                 const std::vector<LeaseStoreSettings>& others);

    /// Carries the action out if it is one for a datastore. Does not block. One thread, which is
    /// that of protect() too.
    void perform(const ha::Action& action);

private:
    struct Store;
    struct Layout;
    struct Gathering;
    std::shared_ptr<LeaseStore> store_of(const LeaseStoreSettings& settings) const;
    void read_leases(ha::OpId op);
    void swap_lease(const ha::SwapLease& swap);

    std::shared_ptr<Names> names_;
    std::shared_ptr<Store> store_;
    std::shared_ptr<LeaseStore> leases_;
    std::shared_ptr<Layout> layout_;
    WorkQueue slots_;
    WorkQueue reads_;
    WorkQueue plans_;
};

}  // namespace drover::had
