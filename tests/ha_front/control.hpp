#pragma once

#include <string>
#include <string_view>
#include <thread>

#include "faults.hpp"
#include "power.hpp"

namespace drover::ha_front {

/// What a line of the control socket says is done; the line to answer with. "ok", or "error: ...".
///
///     set MODE AMOUNT PATTERN    see Faults::add
///     clear                      no rule is left
///     on PID                     the host is on, this is its first process (0: not known yet)
///     off                        the host's cable is pulled
///     show                       {"waiting": requests, "bites": of the watchdog}
std::string obey(std::string_view line, Faults& faults, Power& power);

/// The control socket: a line in, a line out, one client after another.
class Control {
public:
    /// Replaces the socket at `path`. Throws std::system_error.
    Control(const std::string& path, Faults& faults, Power& power);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

private:
    void serve();
    void talk(int client);

    Faults& faults_;
    Power& power_;
    int listener_;
    std::jthread thread_{};
};

}  // namespace drover::ha_front
