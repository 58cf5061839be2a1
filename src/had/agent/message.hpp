#pragma once

// What the host agent and this one say to each other: a JSON object on each line.

#include <optional>
#include <string>
#include <string_view>

#include "ha/protocol/ids.hpp"

namespace drover::had {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kLongestMessage = 64 * 1024;

/// From the host agent.
struct HostMessage {
    enum class Kind {
        hello,        ///< first; `version`
        power_on,     ///< somebody wants the machine on
        power_off,    ///< and off
        adopt,        ///< it runs here, started before it was protected, by a lease of `generation`
        launched,     ///< its process exists, stopped, or not (`done`)
        ends,         ///< its process is about to be ended on purpose, and it is off then
        ready,        ///< its guest answers
        takes,        ///< whether this host takes machines (`done`)
        migrate_in,   ///< the machine is to come from `host`; again and again while it is awaited
        migrate_out,  ///< and is to go to `host`, which awaits it in `epoch`
        migrated,     ///< its engine has sent it, and ended its process
        migration_failed,  ///< it stays (said at the source), or comes no more
        handed_over,  ///< `host` has given it away at `generation`, in `host_epoch`, to `epoch`
        declined,     ///< its target never ran it, and never will by `generation`
        go_on,        ///< its engine has stopped it (a disk that failed), and it can go on
    };
    Kind kind{};
    int version = 0;
    std::string machine;
    ha::Generation generation = 0;
    std::string host;  ///< the other one
    ha::Epoch host_epoch = 0;
    ha::Epoch epoch = 0;  ///< the target's
    bool done = false;
};
/// Nothing if it is no such message.
std::optional<HostMessage> parse_message(std::string_view line);

}  // namespace drover::had
