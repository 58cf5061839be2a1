#pragma once

// Worlds with one story each, for the rules that chance alone hardly ever puts to the test.

#include "world.hpp"

namespace drover::ha::sim {

/// Acknowledgements arrive late while nothing new gets through.
void run_late_answers(World& world);
/// Everything is lost for a little less than what a permit lasts: nothing may be taken.
void run_short_gaps(World& world);
/// Requests stall on the way, and their sender freezes until they have landed.
void run_thaw(World& world);
/// Writes of slots overtake each other, agents restart, slots of dead agents appear; then storage
/// alone is lost.
void run_slot_order(World& world);
/// Nobody can read the slots of a host that has lost etcd.
void run_torn_slots(World& world);
/// Hosts hear of another etcd one after the other, and meanwhile one of them loses its datastore.
void run_replaced_etcd(World& world);
/// Who watches gets answers that are seconds old, from a host whose signs come irregularly.
void run_late_reads(World& world);
/// Guests' writes hang while a permit ends, and one of the two that reset a host is broken.
void run_stuck_writes(World& world);
/// A host dies, and who takes its machines gets its answers when it has no permit left.
void run_late_starts(World& world);
/// Something breaks in a chosen phase of a migration.
void run_broken_moves(World& world);
/// The same machine is moved to the same host again and again while words arrive late.
void run_repeated_moves(World& world);

}  // namespace drover::ha::sim
