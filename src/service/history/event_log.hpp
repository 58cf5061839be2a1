#pragma once

#include <cstdint>
#include <string>

namespace drover::vim {
class Event;
}

namespace drover::service {

/// Where everything that happens is told. Belongs to the strand.
class EventLog {
public:
    virtual ~EventLog() = default;

    /// Records an event and shows it to whoever waits for it. Fills what the poster left unset:
    /// key, chainId (the key itself: a chain of its own), createdTime, userName (`user`; empty is
    /// the system itself), the arguments that follow from others (a machine's host, ...) and
    /// fullFormattedMessage. Never waits and never fails; may be called within a transaction or an
    /// observer. Returns the key.
    ///
    ///     auto event = vim::VmRemovedEvent::make();
    ///     event.set_vm(...);
    ///     context.events.post(event, call.caller->user);
    virtual std::int32_t post(vim::Event event, const std::string& user) = 0;
    /// The same for what nobody asked for.
    std::int32_t post(vim::Event event);
};

}  // namespace drover::service
