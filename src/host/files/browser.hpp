#pragma once

#include "host/context.hpp"
#include "host/files/in_use.hpp"

namespace drover::host::files {

/// Makes the host's browser, which sees all datastores, completes those of the single datastores,
/// and serves SearchDatastore_Task, SearchDatastoreSubFolders_Task and DeleteFile. A search needs
/// Datastore.Browse on the datastore and ends with CannotAccessFile beyond kMostFound files.
void serve_browsers(const HostContext& context, const InUse& in_use);

inline constexpr std::size_t kMostFound = 100'000;
inline constexpr std::size_t kMostFolders = 10'000;

}  // namespace drover::host::files
