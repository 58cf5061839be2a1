#pragma once

#include <atomic>

#include "had/fence/keeper.hpp"

namespace drover::had {

/// Ticks while the fencer's process does not, on a thread of its own; ends that process if it is
/// there but hangs. Never returns.
void stand_in_for_fencer(SharedState& shared, const KeeperSettings& settings);

}  // namespace drover::had
