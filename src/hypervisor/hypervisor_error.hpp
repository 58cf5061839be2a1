#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace drover::hypervisor {

/// What went wrong, as far as a caller can act on it.
enum class ErrorKind {
    not_found,            ///< no running domain (or no such device in it)
    already_running,      ///< a domain with this uuid runs or is being started
    invalid_state,        ///< the domain's state does not allow this (e.g. resume while running)
    invalid_spec,         ///< the specification contradicts itself; nothing was asked of libvirt
    timed_out,            ///< no answer in time; what was asked for may still happen
    unavailable,          ///< no connection to the hypervisor (any more)
    unsupported,          ///< this host's QEMU or libvirt can't do it
    agent_unavailable,    ///< no guest agent answers
    no_space,             ///< the file system is full
    permission,           ///< QEMU's or the caller's user may not
    insufficient_memory,  ///< the host can't give the guest its memory
    device_in_use,        ///< a disk image is locked by another process, or an address is taken
    missing_file,         ///< a disk, firmware or save file does not exist
    cancelled,            ///< a migration, by a call; the domain goes on here
    stalled,              ///< a migration that no longer moved; the domain goes on here
    incompatible_cpu,     ///< the other host's CPU lacks what the guest has seen
    peer_unreachable,     ///< the other host's engine can't be reached, or broke off
    peer_untrusted,       ///< the other host's certificate is not what it must be, or ours to it
    post_copy_failed,     ///< a migration broke after the guest had begun to run there
    outcome_unknown,      ///< the other engine was lost in the moment of a switch-over
    internal,             ///< anything else; the message is all there is
};

std::string_view name_of(ErrorKind kind);

/// The one exception of this library. `what()` is what the engine said, with the call in front.
class HypervisorError : public std::runtime_error {
public:
    HypervisorError(ErrorKind kind, const std::string& message)
        : std::runtime_error(message), kind_(kind) {}

    ErrorKind kind() const { return kind_; }

private:
    ErrorKind kind_;
};

}  // namespace drover::hypervisor
