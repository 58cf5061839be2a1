#pragma once

#include "host/context.hpp"
#include "host/datastores.hpp"
#include "host/machines/machine.hpp"
#include "vim/migration_types.hpp"

namespace drover::host {

/// What another host must know of a machine to take it, but for what the engine says (`cpu`) and
/// this host's authority (`sourceCa`). Throws InvalidState for a machine that can't be moved, with
/// the reason.
vim::DroverMigrationSpec describe_machine(const HostContext& context, const Machine& machine);

}  // namespace drover::host
