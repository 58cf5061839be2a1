#pragma once

// From the name in a request to a place on a datastore, and the queues in which work with it runs.

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "host/context.hpp"
#include "host/datastores.hpp"

namespace drover::host::files {

inline constexpr std::string_view kBrowse = "Datastore.Browse";
inline constexpr std::string_view kChangeFiles = "Datastore.FileManagement";

struct Place {
    storage::DatastorePath path;
    DatastoreEntry* entry = nullptr;  ///< of Datastores; never null

    storage::Datastore& store() const { return *entry->store; }
};

/// Reads "[ds] directory/file", "ds:///vmfs/volumes/<reference or name>/directory/file" or
/// "https://host/folder/directory/file?dsName=ds". Throws InvalidDatastorePath.
Place find_place(const HostContext& context, std::string_view name);

/// The same, and the caller must hold the privilege on the datastore: NoPermission otherwise.
Place find_place(const HostContext& context, const task::Caller& caller, std::string_view name,
                 std::string_view privilege);

/// Throws InvalidDatastorePath for a datastore's root, which can't be removed, moved or replaced.
void require_below_root(const Place& place);

/// Long work with a datastore has a queue of its own, so that the short calls by which machines
/// start and the datastore's state is watched don't wait behind the copying of a disk.
template <class Work>
auto run_long(const HostContext& context, const DatastoreEntry& entry, Work work)
    -> task::Awaitable<std::invoke_result_t<Work&>> {
    constexpr std::chrono::hours kLimit{7 * 24};
    return context.runtime.blocking("copies:" + entry.name, std::move(work), kLimit);
}

}  // namespace drover::host::files
