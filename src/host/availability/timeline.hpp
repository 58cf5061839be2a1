#pragma once

// What drover-had tells people of an incident, as events of this host.

#include <string>

#include "host/machines/machines.hpp"

namespace drover::host {

/// A line of drover-had's timeline (`tell` note).
struct TimelineNote {
    std::string what;  ///< "host_over"; an unknown word is no error
    std::string text;
    std::string why;
    std::string machine;  ///< its UUID; empty: of the host
    double ago_s = 0;
};

/// Posts an EventEx `com.drover.HA.<What>Event`. It names the machine, or, of one that is not
/// registered here, has its UUID as the argument "uuid"; why something is so, as "why". Nothing of
/// what other events say already. `is_asked_for`: the machine is being started because somebody
/// wants it, not because something failed. Belongs to the strand.
void post_note(const HostContext& context, Machines& machines, const TimelineNote& note,
               bool is_asked_for);

/// The machine can't be started again here.
void post_failover_failed(const HostContext& context, const Machine& machine,
                          const vim::Fault& reason);

/// "host_over" -> "com.drover.HA.HostOverEvent".
std::string event_id_of(std::string_view what);

}  // namespace drover::host
