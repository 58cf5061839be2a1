#pragma once

// A stretch of one entity's samples, and the bytes in which it is stored: for each series its
// counter, instance and values, the values as differences in variable length. Ten counters of a
// machine that does the same all the time take about 200 bytes for a dozen samples.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace drover::center {

/// What is measured: a counter of the interface, of the entity as a whole (an empty instance) or of
/// one of its parts.
struct SeriesKey {
    std::int32_t counter = 0;
    std::string instance;

    friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

/// Where nothing was measured; what the interface says for it too.
inline constexpr std::int64_t kNoSample = -1;

struct BlockSeries {
    SeriesKey key;
    std::vector<std::int64_t> values;  ///< one for each sample of the block

    friend bool operator==(const BlockSeries&, const BlockSeries&) = default;
};

std::string encode_block(const std::vector<BlockSeries>& series);

/// The reason if the bytes are no block of so many samples.
std::expected<std::vector<BlockSeries>, std::string> decode_block(std::string_view bytes,
                                                                  std::size_t samples);

}  // namespace drover::center
