#pragma once

#include "host/context.hpp"

namespace drover::host {

/// Fills the first datastore with the machines that the simulation asks for, if no machine is
/// registered and the datastore holds nothing: directories with real .vmx files and empty (sparse)
/// disks, the records that register them, and a running domain for every other one. A population
/// that was cut off is finished at the next start. Nothing is synced: simulated machines survive
/// the death of the process, not that of the computer. On the strand, before the machines are read.
task::Awaitable<void> populate(const HostContext& context);

}  // namespace drover::host
