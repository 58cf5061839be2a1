#pragma once

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// What happens to a machine whose host has lost the network, but not the storage: by itself
/// nothing, for its lease keeps others away.
enum class IsolationResponse { leave_on, shut_down, power_off };

struct IsolationSettings {
    Duration after = std::chrono::seconds{12};         ///< without etcd, while others reach it
    Duration shut_down_for = std::chrono::minutes{5};  ///< then it is powered off
};

struct IsolationView {
    Duration etcd_silent{};          ///< since a request was sent that was acknowledged
    bool others_reach_etcd = false;  ///< as their slots on the datastore say
};

/// Alone: etcd is there, for others. When nobody reaches it, nobody is isolated.
bool is_isolated(const IsolationView& view, const IsolationSettings& settings);

enum class IsolationStep { none, shut_down, power_off };
/// For a running machine of an isolated host. `asked_for`: how long ago its guest was asked to shut
/// down; zero: not yet.
IsolationStep isolation_step(IsolationResponse response, Duration asked_for,
                             const IsolationSettings& settings);

}  // namespace drover::ha
