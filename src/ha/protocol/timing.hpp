#pragma once

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// The protocol's times. A taker's silence must exceed an owner's permit and what the owner needs
/// to stop by more than the clocks' drift: `takeover` > `permit` + `reset_after`.
struct Timing {
    using Milliseconds = std::chrono::milliseconds;

    Duration interval = Milliseconds{500};  ///< between heartbeats, on each channel
    Duration permit = Milliseconds{3000};   ///< counted from an acknowledged request's sending
    Duration takeover = Milliseconds{4000};
    Duration long_permit = Milliseconds{40000};  ///< without storage while etcd is healthy
    Duration long_takeover = Milliseconds{60000};
    Duration etcd_silent = Milliseconds{1000};  ///< then the slot promises the short times
    Duration pause_lead = Milliseconds{500};    ///< machines are stopped so long before the end
    Duration reset_after = Milliseconds{500};   ///< writes still unacknowledged after the end
    Duration fresh_ack = Milliseconds{500};     ///< the watchdog is petted on an ack so young
    Duration watchdog = Milliseconds{3000};
    Duration join_age = Milliseconds{2000};     ///< an older answer to a join is void
    Duration swap_lost = Milliseconds{12000};   ///< no answer to a swap: read and try again
    Duration incoming = Milliseconds{10000};    ///< an arriving machine waits so long for its state
    Duration start_lost = Milliseconds{30000};  ///< no answer to a start: its process is ended
    Duration plan_wait = Milliseconds{5000};    ///< without a plan hosts help themselves
};

/// What keeps a lost owner's writes out.
enum class StorageFencing {
    none,        ///< nothing: the owner kills, then resets its host; needs a watchdog
    gate,        ///< the owner cuts each machine's own storage connection; needs a watchdog
    at_storage,  ///< a taker shuts lower generations out at the storage
};

}  // namespace drover::ha
