#pragma once

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// What a machine gets whose host was without the datastore and kept it: nobody else could take it.
/// (Else it runs elsewhere: a host that can't be seen on the datastore loses its machines.)
enum class StorageBackReaction { none, reset };

/// How long a guest waits for its disk before it gives up on it, in most systems: vSphere's time
/// after which all paths count as down (Misc.APDTimeout).
inline constexpr Duration kPathsDownAfter = std::chrono::seconds{140};

/// Whether the guest is reset when it goes on, `outage` after its host lost the permit to run it.
constexpr bool resets_when_back(StorageBackReaction reaction, Duration outage) {
    return reaction == StorageBackReaction::reset && outage >= kPathsDownAfter;
}

}  // namespace drover::ha
