#pragma once

#include <string>

#include "cli/context.hpp"

namespace drover::cli {

/// The managed entity that a command line names: "vm:web1", "host:h1", "datastore:ds1", "pool:p",
/// "network:n", a path in the inventory ("/", "/dc/vm/web1"), a reference ("VirtualMachine:vm-1"),
/// or a machine's plain name. Throws LookupError and vim::Fault.
client::Named find_target(client::Connection& connection, const std::string& text);

/// What find_target takes, for help texts.
inline constexpr const char* kTargetHelp =
    "vm:NAME, host:NAME, datastore:NAME, pool:NAME, network:NAME, a path such as / or "
    "/dc/vm/web1; or a machine's name";

}  // namespace drover::cli
