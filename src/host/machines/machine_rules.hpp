#pragma once

#include <optional>
#include <set>
#include <string>

#include "host/machines/machines.hpp"

namespace drover::host {

/// What this host allows a machine to be.
machine::Rules make_rules(const HostContext& context, const Machines& machines);

/// The files of a datastore's directory in the API's form; nothing if there is no such directory.
task::Awaitable<std::optional<std::set<std::string, std::less<>>>> list_directory(
    const HostContext& context, storage::DatastorePath directory);

}  // namespace drover::host
