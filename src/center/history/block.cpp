#include "center/history/block.hpp"

#include <optional>

namespace drover::center {

namespace {

constexpr char kFormat = 1;
constexpr std::uint64_t kMostSeries = 100'000;
constexpr std::uint64_t kMostInstanceBytes = 4'096;

void append_number(std::string& bytes, std::uint64_t number) {
    while (number >= 0x80) {
        bytes.push_back(static_cast<char>((number & 0x7f) | 0x80));
        number >>= 7;
    }
    bytes.push_back(static_cast<char>(number));
}

// Small numbers of either sign become small numbers without one.
std::uint64_t fold(std::int64_t number) {
    return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}

std::int64_t unfold(std::uint64_t number) {
    return static_cast<std::int64_t>((number >> 1) ^ (~(number & 1) + 1));
}

std::int64_t wrapping_difference(std::int64_t left, std::int64_t right) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) -
                                     static_cast<std::uint64_t>(right));
}

std::int64_t wrapping_sum(std::int64_t left, std::int64_t right) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) +
                                     static_cast<std::uint64_t>(right));
}

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::optional<std::uint64_t> number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) return value;
        }
        return std::nullopt;
    }

    std::optional<std::string_view> text(std::uint64_t length) {
        if (length > rest_.size()) return std::nullopt;
        const auto taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

std::optional<BlockSeries> read_series(Reader& reader, std::size_t samples) {
    BlockSeries series;
    const auto counter = reader.number();
    const auto length = reader.number();
    if (!counter || *counter > INT32_MAX || !length || *length > kMostInstanceBytes) return {};
    const auto instance = reader.text(*length);
    if (!instance) return {};
    series.key = {static_cast<std::int32_t>(*counter), std::string(*instance)};
    std::int64_t before = 0;
    for (std::size_t index = 0; index < samples; ++index) {
        const auto difference = reader.number();
        if (!difference) return {};
        before = wrapping_sum(before, unfold(*difference));
        series.values.push_back(before);
    }
    return series;
}

}  // namespace

std::string encode_block(const std::vector<BlockSeries>& series) {
    std::string bytes(1, kFormat);
    append_number(bytes, series.size());
    for (const BlockSeries& one : series) {
        append_number(bytes, static_cast<std::uint64_t>(one.key.counter));
        append_number(bytes, one.key.instance.size());
        bytes += one.key.instance;
        std::int64_t before = 0;
        for (const std::int64_t value : one.values) {
            append_number(bytes, fold(wrapping_difference(value, before)));
            before = value;
        }
    }
    return bytes;
}

std::expected<std::vector<BlockSeries>, std::string> decode_block(std::string_view bytes,
                                                                  std::size_t samples) {
    if (bytes.empty() || bytes.front() != kFormat) return std::unexpected("unknown format");
    Reader reader(bytes.substr(1));
    const auto count = reader.number();
    if (!count || *count > kMostSeries) return std::unexpected("no number of series");
    std::vector<BlockSeries> result;
    for (std::uint64_t index = 0; index < *count; ++index) {
        auto series = read_series(reader, samples);
        if (!series) return std::unexpected("cut short or damaged");
        result.push_back(std::move(*series));
    }
    if (!reader.at_end()) return std::unexpected("bytes after the last series");
    return result;
}

}  // namespace drover::center
