#include "had/datastore/slot_format.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace drover::had {

namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'d', 'r', 'o', 'v', 'e', 'r', 'H', 'A'};
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kUuidBytes = 36;
constexpr std::size_t kChecksumAt = 12;
// magic, version, checksum, length, host, epoch, sequence, promise, etcd, flags, count
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + 4 + kUuidBytes + 8 + 8 + 8 + 8 + 4 + 4;
constexpr std::size_t kMachineBytes = kUuidBytes + 2 + 4;
constexpr std::size_t kMostMachines = (kSlotBytes - kHeaderBytes) / kMachineBytes;
constexpr std::uint32_t kEtcdOk = 1;
constexpr std::uint32_t kTakesMachines = 2;
// Nobody promises longer: a damaged number must not keep a machine down for ever.
constexpr ha::Duration kLongestPromise = std::chrono::hours{1};

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
        }
        table[i] = value;
    }
    return table;
}

// CRC-32C of everything but the checksum itself.
std::uint32_t checksum(std::span<const std::uint8_t> bytes) {
    static constexpr auto table = make_table();
    std::uint32_t value = ~0U;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool is_checksum = i >= kChecksumAt && i < kChecksumAt + 4;
        const std::uint8_t byte = is_checksum ? 0 : bytes[i];
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF];
    }
    return ~value;
}

class Out {
public:
    void bytes(std::span<const std::uint8_t> from) {
        all.insert(all.end(), from.begin(), from.end());
    }
    void text(std::string text) {
        text.resize(kUuidBytes);
        all.insert(all.end(), text.begin(), text.end());
    }
    template <class Number>
    void number(Number value) {
        for (std::size_t i = 0; i < sizeof(Number); ++i) {
            all.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
        }
    }
    std::vector<std::uint8_t> all{};
};

// Its length was looked at before.
class In {
public:
    explicit In(std::span<const std::uint8_t> from) : left_(from) {}
    template <class Number>
    Number number() {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(Number); ++i) {
            value |= static_cast<std::uint64_t>(left_[i]) << (8 * i);
        }
        left_ = left_.subspan(sizeof(Number));
        return static_cast<Number>(value);
    }
    std::string text() {
        std::string made(left_.begin(), left_.begin() + kUuidBytes);
        left_ = left_.subspan(kUuidBytes);
        return made;
    }

private:
    std::span<const std::uint8_t> left_;
};

}  // namespace

std::vector<std::uint8_t> encode_slot(const ha::Slot& slot, const Names& names) {
    static const ha::Report nothing{};
    const auto& report = slot.report != nullptr ? *slot.report : nothing;
    const auto count = std::min(report.machines.size(), kMostMachines);
    Out out;
    out.bytes(kMagic);
    out.number(kVersion);
    out.number(std::uint32_t{0});
    out.number(static_cast<std::uint32_t>(kHeaderBytes + count * kMachineBytes));
    out.text(names.uuid_of(slot.who.host));
    out.number(slot.who.epoch);
    out.number(slot.sequence);
    out.number(slot.promise.count());
    out.number(slot.etcd);
    out.number((slot.etcd_ok ? kEtcdOk : 0U) | (report.takes_machines ? kTakesMachines : 0U));
    out.number(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        const auto& each = report.machines[i];
        out.text(names.uuid_of(each.machine));
        out.number(static_cast<std::uint16_t>(each.phase));
        out.number(each.failures);
    }
    const auto sum = checksum(out.all);
    for (std::size_t i = 0; i < 4; ++i) {
        out.all[kChecksumAt + i] = static_cast<std::uint8_t>(sum >> (8 * i));
    }
    out.all.resize((out.all.size() + kSlotPageBytes - 1) / kSlotPageBytes * kSlotPageBytes);
    return std::move(out.all);
}

std::expected<ha::Slot, std::string> decode_slot(std::span<const std::uint8_t> bytes,
                                                 const ha::Tenure& who, Names& names) {
    if (bytes.size() < kHeaderBytes) return std::unexpected("it is too short");
    if (!std::ranges::equal(bytes.first(kMagic.size()), kMagic)) {
        return std::unexpected("it has no magic number");
    }
    In in(bytes.subspan(kMagic.size()));
    if (in.number<std::uint32_t>() != kVersion) return std::unexpected("its version is unknown");
    const auto sum = in.number<std::uint32_t>();
    const auto length = in.number<std::uint32_t>();
    if (length < kHeaderBytes || length > std::min(bytes.size(), kSlotBytes)) {
        return std::unexpected("its length is wrong");
    }
    if (checksum(bytes.first(length)) != sum) return std::unexpected("its checksum is wrong");
    ha::Slot slot{.who = who};
    const std::string host = in.text();
    if (host != names.uuid_of(who.host) || in.number<std::uint64_t>() != who.epoch) {
        return std::unexpected("it belongs to another host or epoch");
    }
    slot.sequence = in.number<std::uint64_t>();
    slot.promise = ha::Duration{in.number<std::int64_t>()};
    if (slot.promise <= ha::Duration{} || slot.promise > kLongestPromise) {
        return std::unexpected("its promise is no possible time");
    }
    slot.etcd = in.number<ha::EtcdId>();
    const auto flags = in.number<std::uint32_t>();
    slot.etcd_ok = (flags & kEtcdOk) != 0;
    auto report = std::make_shared<ha::Report>();
    report->takes_machines = (flags & kTakesMachines) != 0;
    const auto count = in.number<std::uint32_t>();
    if (count > kMostMachines || length != kHeaderBytes + count * kMachineBytes) {
        return std::unexpected("its number of machines is wrong");
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto machine = names.machine(in.text());
        const auto phase = in.number<std::uint16_t>();
        const auto failures = in.number<std::uint32_t>();
        if (!machine || phase > static_cast<std::uint16_t>(ha::Phase::failed)) continue;
        report->machines.push_back({*machine, static_cast<ha::Phase>(phase), failures});
    }
    slot.report = std::move(report);
    return slot;
}

}  // namespace drover::had
