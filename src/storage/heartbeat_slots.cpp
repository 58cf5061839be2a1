#include "storage/heartbeat_slots.hpp"

#include <algorithm>

namespace drover::storage {
namespace {

// Layout: magic 8, version 4, reserved 4, epoch 8, sequence 8, payload 448, reserved 28, CRC 4.
constexpr std::array<std::uint8_t, 8> kMagic = {'d', 'r', 'o', 'v', 'e', 'r', 'H', 'B'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPayloadAt = 32;
constexpr std::size_t kCrcAt = HeartbeatRecord::kBytes - 4;

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
    static constexpr auto kTable = [] {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) {
                value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
            }
            table[i] = value;
        }
        return table;
    }();
    std::uint32_t crc = 0xffffffffu;
    for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xff];
    return ~crc;
}

void put(std::span<std::uint8_t> bytes, std::uint64_t value) {
    for (std::uint8_t& byte : bytes) {
        byte = static_cast<std::uint8_t>(value);
        value >>= 8;
    }
}

std::uint64_t get(std::span<const std::uint8_t> bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

}  // namespace

std::array<std::uint8_t, HeartbeatRecord::kBytes> encode(const HeartbeatRecord& record) {
    std::array<std::uint8_t, HeartbeatRecord::kBytes> bytes{};
    const std::span all(bytes);
    std::ranges::copy(kMagic, bytes.begin());
    put(all.subspan(8, 4), kVersion);
    put(all.subspan(16, 8), record.epoch);
    put(all.subspan(24, 8), record.sequence);
    std::ranges::copy(record.payload, bytes.begin() + kPayloadAt);
    put(all.subspan(kCrcAt, 4), crc32c(all.first(kCrcAt)));
    return bytes;
}

std::expected<HeartbeatRecord, std::string> decode_heartbeat(
    std::span<const std::uint8_t, HeartbeatRecord::kBytes> bytes) {
    if (!std::ranges::equal(bytes.first(kMagic.size()), kMagic)) {
        return std::unexpected("nothing has been written there yet, or it is no record");
    }
    if (get(bytes.subspan(kCrcAt, 4)) != crc32c(bytes.first(kCrcAt))) {
        return std::unexpected("the checksum is wrong");
    }
    if (get(bytes.subspan(8, 4)) != kVersion) {
        return std::unexpected("the record has a version that is not known");
    }
    HeartbeatRecord record;
    record.epoch = get(bytes.subspan(16, 8));
    record.sequence = get(bytes.subspan(24, 8));
    std::ranges::copy(bytes.subspan(kPayloadAt, HeartbeatRecord::kPayloadBytes),
                      record.payload.begin());
    return record;
}

}  // namespace drover::storage
