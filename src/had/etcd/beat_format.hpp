#pragma once

// The keys and values of heartbeats in etcd. A value begins with the epoch in 20 digits, so that
// etcd itself can compare it; then comes JSON, for whoever reads it with etcdctl.

#include <expected>
#include <string>
#include <string_view>

#include "ha/protocol/heartbeat.hpp"
#include "had/names.hpp"

namespace drover::had {

/// Beats are kept under these keys and no others: "drover/ha/beat/<host>".
inline constexpr std::string_view kBeatKeys = "drover/ha/beat/";
/// The first key behind them.
inline constexpr std::string_view kBeatKeysEnd = "drover/ha/beat0";
inline constexpr std::size_t kBeatBytes = 32768;

/// Empty if the host has no name.
std::string beat_key(ha::HostId host, const Names& names);

/// A beat's value is less than this text if and only if its epoch is not newer than this one.
std::string above_epoch(ha::Epoch epoch);

/// Never longer than kBeatBytes: what does not fit of the report is left out.
std::string format_beat(const ha::Beat& beat, const Names& names);

/// The error is the reason why it is no beat.
std::expected<ha::Beat, std::string> parse_beat(std::string_view key, std::string_view value,
                                                Names& names);

}  // namespace drover::had
