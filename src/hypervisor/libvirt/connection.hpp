#pragma once

#include <memory>
#include <thread>

#include "hypervisor/event_queue.hpp"
#include "hypervisor/libvirt/deadline.hpp"
#include "hypervisor/libvirt/handles.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

namespace drover::hypervisor::libvirt {

/// Keeps a connection to libvirt's daemon: opens it, registers for events, notices its loss and
/// opens the next one. One thread of its own. Thread-safe.
class Connection {
public:
    /// Waits a few seconds at most for the first attempt.
    Connection(const LibvirtOptions& options, std::shared_ptr<EventQueue> events);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The live connection. Throws HypervisorError(unavailable) if there is none.
    ConnectionHandle get() const;

private:
    struct State;

    static void keep_connected(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    std::thread thread_;
};

}  // namespace drover::hypervisor::libvirt
