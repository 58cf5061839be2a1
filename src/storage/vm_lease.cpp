#include "storage/vm_lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "storage/storage_error.hpp"
#include "vmx/text.hpp"

namespace drover::storage {
namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> get_text(const Json& json, const char* field) {
    const auto found = json.find(field);
    if (found == json.end() || !found->is_string()) return std::nullopt;
    std::string text = *found;
    if (text.size() > VmLease::kMaxFieldBytes) return std::nullopt;
    return text;
}

bool is_writable(std::string_view text) {
    return text.size() <= VmLease::kMaxFieldBytes && vmx::is_utf8(text) &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

std::string format_lease(const LeaseState& state) {
    const Json json{{"owner", state.owner},
                    {"owner_name", state.owner_name},
                    {"successor", state.successor},
                    {"generation", state.generation},
                    {"time", base::format_time(state.time)}};
    return json.dump() + "\n";
}

std::expected<LeaseState, std::string> parse_lease(std::string_view text,
                                                   std::uint64_t generation) {
    // The end of the line shows that nothing is missing.
    if (!text.ends_with('\n')) return std::unexpected("the lease is cut short");
    if (text.size() > 8 * VmLease::kMaxFieldBytes) return std::unexpected("the lease is too long");
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return std::unexpected("the lease is no JSON object");
    const auto owner = get_text(json, "owner");
    const auto owner_name = get_text(json, "owner_name");
    const auto successor = get_text(json, "successor");
    const auto time_text = get_text(json, "time");
    if (!owner || !owner_name || !successor || !time_text) {
        return std::unexpected("owner, owner_name, successor or time is missing or no text");
    }
    const auto time = base::parse_time(*time_text);
    if (!time) return std::unexpected("time: is no time");
    const auto number = json.find("generation");
    if (number == json.end() || !number->is_number_unsigned() || *number != generation) {
        return std::unexpected("generation: is not the one in the file's name");
    }
    return LeaseState{generation, *owner, *owner_name, *successor, *time};
}

VmLease::VmLease(CompareAndSwap& cells, const base::Clock& clock, DatastorePath cell)
    : cells_(cells), clock_(clock), cell_(std::move(cell)) {}

LeaseState VmLease::parse(const CellState& cell) const {
    if (cell.generation == 0) return {};
    auto state = parse_lease(cell.content, cell.generation);
    if (!state) {
        throw StorageError(StorageErrorKind::corrupt,
                           fmt::format("{}.{}", cell_.to_string(), cell.generation),
                           "it is not known who holds the machine: " + state.error());
    }
    return std::move(*state);
}

LeaseState VmLease::read() {
    return parse(cells_.read(cell_));
}

LeaseResult VmLease::swap(LeaseState next) {
    for (const std::string* text : {&next.owner, &next.owner_name, &next.successor}) {
        if (!is_writable(*text)) {
            throw StorageError(StorageErrorKind::unsupported, cell_.to_string(),
                               "a name in the lease is too long or no valid text");
        }
    }
    const std::uint64_t expected = next.generation++;
    next.time = clock_.wall_now();
    const SwapResult result = cells_.swap(cell_, expected, format_lease(next));
    if (result.won) return {true, std::move(next)};
    return {false, parse(result.current)};
}

LeaseResult VmLease::acquire(std::uint64_t expected_generation, const LeaseHolder& who) {
    const LeaseState now = read();
    const bool may = !now.is_held() || now.owner == who.id || now.successor == who.id;
    if (now.generation != expected_generation || !may || who.id.empty()) return {false, now};
    return swap({expected_generation, who.id, who.name, {}, {}});
}

LeaseResult VmLease::take_over(std::uint64_t expected_generation, const LeaseHolder& who) {
    const LeaseState now = read();
    if (now.generation != expected_generation || who.id.empty()) return {false, now};
    return swap({expected_generation, who.id, who.name, {}, {}});
}

LeaseResult VmLease::replace_unreadable(std::uint64_t expected_generation, const LeaseHolder& who) {
    const CellState now = cells_.read(cell_);
    const auto state = parse_lease(now.content, now.generation);
    if (now.generation == 0 || state.has_value()) return {false, parse(now)};
    if (now.generation != expected_generation || who.id.empty()) (void)parse(now);  // throws
    return swap({expected_generation, who.id, who.name, {}, {}});
}

LeaseResult VmLease::set_successor(std::uint64_t expected_generation, const LeaseHolder& who,
                                   const std::string& successor) {
    LeaseState now = read();
    if (now.generation != expected_generation || !now.is_held() || now.owner != who.id) {
        return {false, now};
    }
    now.successor = successor;
    return swap(std::move(now));
}

LeaseResult VmLease::release(std::uint64_t expected_generation, const LeaseHolder& who) {
    const LeaseState now = read();
    if (now.generation != expected_generation || !now.is_held() || now.owner != who.id) {
        return {false, now};
    }
    return swap({expected_generation, {}, {}, {}, {}});
}

}  // namespace drover::storage
