#pragma once

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// How a machine's storage is gone. `paths_down` may come back; `device_lost` says that it won't.
enum class StorageLoss { none, paths_down, device_lost };

/// As vSphere names them; of both kinds of loss.
enum class StorageLossResponse { disabled, warning, restart };

struct StorageLossSettings {
    StorageLossResponse paths_down = StorageLossResponse::restart;
    StorageLossResponse device_lost = StorageLossResponse::restart;
    /// The protocol itself stops the machine at the end of its permit, 40 s; what waits longer
    /// waits stopped.
    Duration paths_down_after = std::chrono::seconds{140};
    bool restart_only_if_room = true;  ///< of paths_down: another host can take it
    bool reset_if_back = false;  ///< paths came back after the time: the guest may be confused
};

struct StorageLossView {
    StorageLoss loss = StorageLoss::none;
    Duration since{};
    bool came_back = false;  ///< before anything was done
    bool other_host_has_it = false;
};

enum class StorageLossStep { none, warn, end_and_offer, reset };
StorageLossStep storage_loss_step(const StorageLossView& view, const StorageLossSettings& settings);

}  // namespace drover::ha
