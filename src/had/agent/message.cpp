#include "had/agent/message.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "had/names.hpp"

namespace drover::had {

std::optional<HostMessage> parse_message(std::string_view line) {
    static constexpr std::array<std::string_view, 15> words{
        "hello",       "power_on", "power_off",  "adopt",       "launched", "ends",
        "ready",       "takes",    "migrate_in", "migrate_out", "migrated", "migration_failed",
        "handed_over", "declined", "go_on"};
    if (line.size() > kLongestMessage) return std::nullopt;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto field = [&](const char* name) {
        const auto found = json.find(name);
        return found == json.end() ? nlohmann::json() : *found;
    };
    const auto word = field("do");
    if (!word.is_string()) return std::nullopt;
    const auto found = std::ranges::find(words, word.get<std::string>());
    if (found == words.end()) return std::nullopt;
    HostMessage message{};
    message.kind = static_cast<HostMessage::Kind>(found - words.begin());
    if (const auto version = field("version"); version.is_number_unsigned()) {
        message.version =
            static_cast<int>(std::min<std::uint64_t>(version.get<std::uint64_t>(), 1000));
    }
    if (const auto machine = field("machine"); machine.is_string())
        message.machine = machine.get<std::string>();
    const auto number_of = [&](const char* name) -> std::uint64_t {
        const auto number = field(name);
        return number.is_number_unsigned() ? number.get<std::uint64_t>() : 0;
    };
    message.generation = number_of("generation");
    message.host_epoch = number_of("host_epoch");
    message.epoch = number_of("epoch");
    if (const auto host = field("host"); host.is_string()) message.host = host.get<std::string>();
    if (const auto done = field("done"); done.is_boolean()) message.done = done.get<bool>();
    const bool is_of_machine =
        message.kind != HostMessage::Kind::hello && message.kind != HostMessage::Kind::takes;
    if (is_of_machine && !is_uuid(message.machine)) return std::nullopt;
    using Kind = HostMessage::Kind;
    const bool names_host = message.kind == Kind::migrate_in || message.kind == Kind::migrate_out ||
                            message.kind == Kind::handed_over;
    if (names_host && !is_uuid(message.host)) return std::nullopt;
    return message;
}

}  // namespace drover::had
