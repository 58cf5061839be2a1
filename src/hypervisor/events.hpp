#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "hypervisor/domain_info.hpp"

namespace drover::hypervisor {

enum class LifecycleKind {
    started,
    paused,
    resumed,        ///< also once for a new run, just before or after its `started`
    rebooted,       ///< the guest restarted itself, or was reset; some firmware does so twice
    shutting_down,  ///< the guest has turned itself off; `stopped` follows
    stopped,
    crashed,  ///< the guest panicked; `stopped` follows
};

enum class StartedReason { booted, restored, migrated, other };
/// Why the vCPUs run again.
enum class ResumedReason {
    unpaused,   ///< by a call, or a new run's own; also when a migration from here did not succeed
    migrated,   ///< it has arrived here from another host
    post_copy,  ///< likewise, while part of its memory is still over there
    other,
};
enum class StoppedReason { shutdown, destroyed, crashed, migrated, saved, failed, other };

struct LifecycleEvent {
    DomainUuid uuid{};
    int libvirt_id = -1;  ///< which run of the domain; -1 where the engine no longer knows
    LifecycleKind kind{};
    StartedReason started_reason = StartedReason::other;  ///< with `started`
    ResumedReason resumed_reason = ResumedReason::other;  ///< with `resumed`
    StoppedReason stopped_reason = StoppedReason::other;  ///< with `stopped`
    PausedReason paused_reason = PausedReason::none;      ///< with `paused`
    IoErrorReason io_error = IoErrorReason::none;         ///< with PausedReason::io_error
    std::string io_error_path{};                          ///< likewise: the image, if known
};

/// A disk of the domain failed. With IoErrorPolicy::stop a `paused` event follows the first one.
struct IoErrorEvent {
    DomainUuid uuid{};
    std::string path{};
    IoErrorReason reason = IoErrorReason::other;
    bool paused = false;
};

struct AgentEvent {
    DomainUuid uuid{};
    bool connected = false;
};

/// The connection to the hypervisor itself. After `connected` all that was known of domains is to
/// be read again with `list`: events may have been missed. Domains run on without a connection.
struct ConnectionEvent {
    bool connected = false;
};

using Event = std::variant<LifecycleEvent, IoErrorEvent, AgentEvent, ConnectionEvent>;

/// Called on one thread of the adapter, one event at a time, in the order of occurrence. It may
/// call the hypervisor, but later events wait until it returns. What it throws is logged and
/// dropped.
using EventSink = std::function<void(const Event&)>;

/// Ends the subscription when destroyed. After that the sink is not running and is not called
/// again, except when it is destroyed by the sink itself: then this call is the last.
class Subscription {
public:
    virtual ~Subscription() = default;
};

}  // namespace drover::hypervisor
