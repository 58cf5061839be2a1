#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor {

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::not_found:
            return "not_found";
        case ErrorKind::already_running:
            return "already_running";
        case ErrorKind::invalid_state:
            return "invalid_state";
        case ErrorKind::invalid_spec:
            return "invalid_spec";
        case ErrorKind::timed_out:
            return "timed_out";
        case ErrorKind::unavailable:
            return "unavailable";
        case ErrorKind::unsupported:
            return "unsupported";
        case ErrorKind::agent_unavailable:
            return "agent_unavailable";
        case ErrorKind::no_space:
            return "no_space";
        case ErrorKind::permission:
            return "permission";
        case ErrorKind::insufficient_memory:
            return "insufficient_memory";
        case ErrorKind::device_in_use:
            return "device_in_use";
        case ErrorKind::missing_file:
            return "missing_file";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::stalled:
            return "stalled";
        case ErrorKind::incompatible_cpu:
            return "incompatible_cpu";
        case ErrorKind::peer_unreachable:
            return "peer_unreachable";
        case ErrorKind::peer_untrusted:
            return "peer_untrusted";
        case ErrorKind::post_copy_failed:
            return "post_copy_failed";
        case ErrorKind::outcome_unknown:
            return "outcome_unknown";
        case ErrorKind::internal:
            return "internal";
    }
    return "internal";
}

}  // namespace drover::hypervisor
