#pragma once

#include "ha/protocol/ids.hpp"

namespace drover::ha {

enum class Guard {
    prepared,  ///< a process that has not run yet
    running,
    pausing,  ///< told to stop; writes until it says that it has drained
    paused,
    frozen,
    given,   ///< handed over to the target of its migration: never runs here again but by a swap
    killed,  ///< until its process is reaped and its writes are acknowledged
};

/// A machine with a process on this host.
struct Guarded {
    MachineId machine{};
    Generation generation = 0;
    Guard state = Guard::prepared;
    bool arriving = false;   ///< prepared as the target of a migration
    bool successor = false;  ///< runs as the lease's successor, which it has not claimed yet
    bool soft = false;       ///< stopped before the end: continues on an acknowledgement in time
    bool gated = false;
    bool crashed = false;  ///< ended by itself
    bool writes_in_flight = true;
    bool process = true;
};

/// What an adapter knows of a process. When it does not know, it says what is worse.
struct Observation {
    MachineId machine{};
    bool process = true;           ///< not reaped yet
    bool stopped = false;          ///< QMP says stopped, and drained
    bool writes_in_flight = true;  ///< sent to the storage and not acknowledged, by any means
};

}  // namespace drover::ha
