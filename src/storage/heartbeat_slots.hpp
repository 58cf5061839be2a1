#pragma once

// Signs of life that hosts leave on a datastore. A slot belongs to one host in one epoch; only that
// host writes it, one write at a time, and everybody reads it. What the payload means is the
// business of who uses it.

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace drover::storage {

/// What one write carries. Fits one sector, so it is never seen half new.
struct HeartbeatRecord {
    static constexpr std::size_t kBytes = 512;
    static constexpr std::size_t kPayloadBytes = 448;

    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    std::array<std::uint8_t, kPayloadBytes> payload{};

    friend bool operator==(const HeartbeatRecord&, const HeartbeatRecord&) = default;
};

/// The record's bytes: magic, version, epoch, sequence, payload, CRC-32C; little-endian.
std::array<std::uint8_t, HeartbeatRecord::kBytes> encode(const HeartbeatRecord& record);
/// The reason if the bytes are no whole record.
std::expected<HeartbeatRecord, std::string> decode_heartbeat(
    std::span<const std::uint8_t, HeartbeatRecord::kBytes> bytes);

struct SlotName {
    std::string host;  ///< letters, digits, '-' and '_', at most 64
    std::uint64_t epoch = 0;

    friend auto operator<=>(const SlotName&, const SlotName&) = default;
};

/// An own slot, open for writing. One thread.
class HeartbeatWriter {
public:
    virtual ~HeartbeatWriter() = default;
    /// Returns when the medium has it. Blocks as long as the storage does; throws StorageError.
    virtual void write(const HeartbeatRecord& record) = 0;
    /// True if writes go past the page cache (O_DIRECT).
    virtual bool is_direct() const = 0;
};

class HeartbeatSlots {
public:
    virtual ~HeartbeatSlots() = default;

    /// Makes the slot; already_exists if this host was in this epoch before.
    virtual std::unique_ptr<HeartbeatWriter> create(const SlotName& name) = 0;
    virtual std::vector<SlotName> list() = 0;
    /// Reads from the medium, not from a cache. Throws not_found if there is no such slot, corrupt
    /// if what it holds is no record: that means unknown, never silent.
    virtual HeartbeatRecord read(const SlotName& name) = 0;
    virtual void remove(const SlotName& name) = 0;
};

}  // namespace drover::storage
