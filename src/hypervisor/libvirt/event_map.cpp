#include "hypervisor/libvirt/event_map.hpp"

#include <libvirt/libvirt.h>

namespace drover::hypervisor::libvirt {
namespace {

StartedReason started_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_STARTED_BOOTED:
            return StartedReason::booted;
        case VIR_DOMAIN_EVENT_STARTED_MIGRATED:
            return StartedReason::migrated;
        case VIR_DOMAIN_EVENT_STARTED_RESTORED:
            return StartedReason::restored;
        default:
            return StartedReason::other;
    }
}

ResumedReason resumed_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_RESUMED_UNPAUSED:
            return ResumedReason::unpaused;
        case VIR_DOMAIN_EVENT_RESUMED_MIGRATED:
            return ResumedReason::migrated;
        case VIR_DOMAIN_EVENT_RESUMED_POSTCOPY:
            return ResumedReason::post_copy;
        default:
            return ResumedReason::other;
    }
}

StoppedReason stopped_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
            return StoppedReason::shutdown;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
            return StoppedReason::destroyed;
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
            return StoppedReason::crashed;
        case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
            return StoppedReason::migrated;
        case VIR_DOMAIN_EVENT_STOPPED_SAVED:
            return StoppedReason::saved;
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
            return StoppedReason::failed;
        default:
            return StoppedReason::other;
    }
}

PausedReason suspended_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_SUSPENDED_PAUSED:
        case VIR_DOMAIN_EVENT_SUSPENDED_RESTORED:
            return PausedReason::user;
        case VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
            return PausedReason::io_error;
        case VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED:
            return PausedReason::migration;
        case VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY:
            return PausedReason::post_copy;
        case VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED:
            return PausedReason::post_copy_failed;
        default:
            return PausedReason::other;
    }
}

}  // namespace

std::optional<LifecycleEvent> map_lifecycle(int event, int detail) {
    LifecycleEvent mapped;
    switch (event) {
        case VIR_DOMAIN_EVENT_STARTED:
            mapped.kind = LifecycleKind::started;
            mapped.started_reason = started_reason(detail);
            return mapped;
        case VIR_DOMAIN_EVENT_SUSPENDED:
        case VIR_DOMAIN_EVENT_PMSUSPENDED:
            mapped.kind = LifecycleKind::paused;
            mapped.paused_reason = event == VIR_DOMAIN_EVENT_SUSPENDED ? suspended_reason(detail)
                                                                       : PausedReason::other;
            return mapped;
        case VIR_DOMAIN_EVENT_RESUMED:
            mapped.kind = LifecycleKind::resumed;
            mapped.resumed_reason = resumed_reason(detail);
            return mapped;
        case VIR_DOMAIN_EVENT_SHUTDOWN:
            // By a signal from the host: that is `destroy`, of which the guest knows nothing.
            if (detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST) return std::nullopt;
            mapped.kind = LifecycleKind::shutting_down;
            return mapped;
        case VIR_DOMAIN_EVENT_CRASHED:
            mapped.kind = LifecycleKind::crashed;
            return mapped;
        case VIR_DOMAIN_EVENT_STOPPED:
            mapped.kind = LifecycleKind::stopped;
            mapped.stopped_reason = stopped_reason(detail);
            return mapped;
        default:
            return std::nullopt;
    }
}

IoErrorReason map_io_error(std::string_view reason) {
    return reason == "enospc" ? IoErrorReason::no_space : IoErrorReason::other;
}

}  // namespace drover::hypervisor::libvirt
