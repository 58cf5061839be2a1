#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hypervisor/event_queue.hpp"
#include "hypervisor/libvirt/handles.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

namespace drover::hypervisor::libvirt {

/// One connection's life from open to loss, with its event callbacks. libvirt owns references to it
/// for as long as callbacks are registered.
class Session : public std::enable_shared_from_this<Session> {
public:
    /// Connects and registers for events. Blocks; throws HypervisorError. `on_lost` is called once,
    /// on libvirt's event thread, when the daemon goes away.
    static std::shared_ptr<Session> open(const LibvirtOptions& options,
                                         std::shared_ptr<EventQueue> events,
                                         std::function<void()> on_lost);

    Session(std::shared_ptr<EventQueue> events, std::function<void()> on_lost)
        : events_(std::move(events)), on_lost_(std::move(on_lost)) {}

    const ConnectionHandle& connection() const { return connection_; }
    /// False once the loss was noticed.
    bool alive() const { return !lost_; }

    /// Reports the connection, then the events that came in since `open`, then passes on new ones
    /// as they come: who lists after that report misses nothing.
    void announce();
    /// Passes on nothing any more.
    void mute();
    /// Mutes, lets go of libvirt's callbacks and of the connection. May block on a hung daemon.
    void close();

    // For libvirt's callbacks, on its event thread.
    void handle_lost();
    void handle(Event event);
    void handle_lifecycle(const DomainUuid& uuid, int libvirt_id, int event, int detail);
    void handle_io_error(const DomainUuid& uuid, const char* path, int action, const char* reason);

private:
    void connect(const LibvirtOptions& options);
    void register_events();
    void settle();

    std::shared_ptr<EventQueue> events_;
    std::function<void()> on_lost_;
    ConnectionHandle connection_{};
    std::vector<int> callbacks_{};
    std::atomic<bool> lost_ = false;

    std::mutex mutex_{};
    bool announced_ = false;
    bool closed_ = false;
    std::vector<Event> held_{};  ///< before announce()

    struct LastIoError {
        std::string path{};
        IoErrorReason reason = IoErrorReason::none;
    };
    /// On the event thread only: the error that explains a pause arrives just before it.
    std::map<DomainUuid, LastIoError> io_errors_{};
};

}  // namespace drover::hypervisor::libvirt
