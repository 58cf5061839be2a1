#pragma once

// What an agent asks of its datastore, done to real files: slots, leases, the plan. Each kind has
// threads of its own, so that storage that hangs never stops the agent.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ha/agent/events.hpp"
#include "had/datastore/work_queue.hpp"
#include "had/names.hpp"

namespace drover::had {

struct DatastoreSettings {
    std::string name;            ///< as hosts call it
    std::filesystem::path path;  ///< its directory on this host
    std::string host;            ///< this host's UUID
    std::string host_name;       ///< for people who read leases
};

class DatastoreChannel {
public:
    /// Below the datastore's directory, and seen by whoever browses it.
    static constexpr std::string_view kDirectory = ".ha";

    /// `answer` is called on the channel's threads, at most once for each request, and possibly
    /// after the channel's end: it must own what it uses. So must `names`.
    DatastoreChannel(const DatastoreSettings& settings, std::shared_ptr<Names> names,
                     std::function<void(ha::Event)> answer);
    ~DatastoreChannel();

    /// Whose leases are read, in this order: the .vmx files, as "directory/file.vmx".
    void protect(std::vector<std::string> vmx_files, std::vector<ha::MachineId> machines);

    /// Carries the action out if it is one for a datastore. Does not block.
    void perform(const ha::Action& action);

private:
    struct Store;
    void read_leases(ha::OpId op);
    void swap_lease(const ha::SwapLease& swap);

    std::shared_ptr<Store> store_;
    WorkQueue slots_;
    WorkQueue reads_;
    WorkQueue swaps_;
};

}  // namespace drover::had
