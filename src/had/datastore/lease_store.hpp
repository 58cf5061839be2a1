#pragma once

// The leases of one datastore's machines. A datastore that hangs holds up its own threads and
// nothing else: who reads several does not wait for one that is known to hang.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ha/agent/events.hpp"
#include "had/datastore/work_queue.hpp"
#include "had/names.hpp"
#include "storage/datastore_path.hpp"

namespace drover::had {

struct LeaseStoreSettings {
    std::string name;            ///< as hosts call it
    std::filesystem::path path;  ///< its directory on this host
    std::string uuid;            ///< what it must say it is; empty: the first that is seen there
    std::string host;            ///< this host's UUID
    std::string host_name;       ///< for people who read leases
    bool operator==(const LeaseStoreSettings&) const = default;
};

class LeaseStore {
public:
    using Leases = std::vector<std::optional<ha::Lease>>;

    LeaseStore(LeaseStoreSettings settings, std::shared_ptr<Names> names);

    const LeaseStoreSettings& settings() const { return settings_; }

    /// Where the lease of a "directory/file.vmx" is. Throws std::runtime_error if that is no file
    /// of a datastore.
    storage::DatastorePath lease_of(std::string vmx_file) const;

    /// Whether reads that were asked for some time ago are all unanswered.
    bool is_late() const;
    /// Reads these; nothing for one that can't be read. `done` is called on a thread of the
    /// store's, and not at all while the datastore hangs. False if too many reads wait already.
    bool read(std::vector<storage::DatastorePath> cells, std::function<void(Leases)> done);
    /// `answer` as for `read`; what fails otherwise than by being too late is not answered.
    void swap(storage::DatastorePath cell, const ha::Lease& next,
              std::function<void(bool won)> answer);

private:
    struct Shared;

    LeaseStoreSettings settings_;
    std::shared_ptr<Shared> shared_;
    WorkQueue reads_;
    WorkQueue swaps_;
};

}  // namespace drover::had
