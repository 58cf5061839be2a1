#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "plan/model/snapshot.hpp"

namespace drover::plan::judge {

/// A small, tight cluster with rules of all kinds, some of them broken from the start.
Snapshot random_cluster(std::mt19937_64& random);

/// Where everything might go: changed at random, with or without regard to room.
std::vector<HostIndex> random_targets(const Snapshot& snapshot, std::mt19937_64& random);

}  // namespace drover::plan::judge
