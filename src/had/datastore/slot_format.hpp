#pragma once

// The bytes of a slot: what a host says of itself on the datastore. A checksum covers all of it, so
// that a write that is seen half done is no slot: unreadable, which means unknown, never silent.

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "ha/protocol/heartbeat.hpp"
#include "had/names.hpp"

namespace drover::had {

/// Slots have this length from their creation on: later writes need no free space.
inline constexpr std::size_t kSlotBytes = 16384;
/// Writes are whole multiples of it.
inline constexpr std::size_t kSlotPageBytes = 4096;

/// As long as what it says needs, a multiple of a page. What does not fit of the report is left
/// out: it orders restarts, safety never depends on it. The names must be known.
std::vector<std::uint8_t> encode_slot(const ha::Slot& slot, const Names& names);

/// The slot of this tenure from the start of its file. The error is the reason why it is none.
std::expected<ha::Slot, std::string> decode_slot(std::span<const std::uint8_t> bytes,
                                                 const ha::Tenure& who, Names& names);

}  // namespace drover::had
