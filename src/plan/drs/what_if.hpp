#pragma once

// "What if": another snapshot, to be asked the same questions.

#include <span>

#include "plan/model/snapshot.hpp"

namespace drover::plan {

/// The host takes no machines: what runs there has to leave.
Snapshot without_host(Snapshot snapshot, HostIndex host);
/// The host is lost: what ran there is to be placed.
Snapshot after_loss_of(Snapshot snapshot, HostIndex host);
Snapshot with_host(Snapshot snapshot, Host host);
Snapshot with_rule(Snapshot snapshot, Rule rule);
/// The last machine is the new one, to be placed.
Snapshot with_machine(Snapshot snapshot, Machine machine);

}  // namespace drover::plan
