#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hypervisor/events.hpp"

namespace drover::hypervisor {

/// Hands events to subscribers on one thread, so that a slow one never holds up the engine's own
/// event loop (libvirt's also answers keepalives). Thread-safe.
class EventQueue {
public:
    /// More events than this waiting means that nobody keeps up: they are dropped, and a lost and
    /// restored connection is reported instead, after which everybody lists anew.
    static constexpr std::size_t capacity = 65536;

    EventQueue();
    ~EventQueue();
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    void push(Event event);
    /// The sink gets a ConnectionEvent with the present state first.
    std::unique_ptr<Subscription> subscribe(EventSink sink);

private:
    struct Subscriber;
    struct State;
    class Handle;

    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    std::thread thread_;
};

}  // namespace drover::hypervisor
