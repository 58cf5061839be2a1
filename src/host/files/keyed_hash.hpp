#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace drover::host::files {

/// SipHash-2-4: a hash that nobody can predict or collide without its key. For tables of secrets in
/// memory; `key` must be random.
std::uint64_t keyed_hash(const std::array<std::uint64_t, 2>& key, std::string_view text);

}  // namespace drover::host::files
