#include "hypervisor/libvirt/errors.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <cerrno>

namespace drover::hypervisor::libvirt {
namespace {

struct Phrase {
    std::string_view text;
    ErrorKind kind;
};

// libvirt passes on what QEMU said as VIR_ERR_INTERNAL_ERROR, so its words are all there is.
constexpr Phrase phrases[] = {
    {"Failed to get \"write\" lock", ErrorKind::device_in_use},
    {"Failed to get shared \"write\" lock", ErrorKind::device_in_use},
    {"Failed to get \"consistent read\" lock", ErrorKind::device_in_use},
    {"Failed to get \"resize\" lock", ErrorKind::device_in_use},
    {"Address already in use", ErrorKind::device_in_use},
    {"is already being started", ErrorKind::already_running},
    {"is already active", ErrorKind::already_running},
    {"already exists with uuid", ErrorKind::already_running},
    {"No space left on device", ErrorKind::no_space},
    {"Disk quota exceeded", ErrorKind::no_space},
    {"cannot set up guest memory", ErrorKind::insufficient_memory},
    {"Cannot allocate memory", ErrorKind::insufficient_memory},
    {"Could not access KVM kernel module", ErrorKind::unsupported},
    {"failed to initialize kvm", ErrorKind::unsupported},
    {"does not support machine type", ErrorKind::unsupported},
    {"unsupported machine type", ErrorKind::unsupported},
    {"Permission denied", ErrorKind::permission},
    {"Operation not permitted", ErrorKind::permission},
    {"No such file or directory", ErrorKind::missing_file},
    {"agent is not connected", ErrorKind::agent_unavailable},
    {"agent is not available", ErrorKind::agent_unavailable},
    {"guest agent is not configured", ErrorKind::agent_unavailable},
    {"guest CPU doesn't match specification", ErrorKind::incompatible_cpu},
    {"guest and host CPU are not compatible", ErrorKind::incompatible_cpu},
    {"the CPU is incompatible with host CPU", ErrorKind::incompatible_cpu},
    {"cannot acquire state change lock", ErrorKind::timed_out},
};

// What a migration says when it is the other host, or the way to it, that is the trouble. Asked
// first: "Failed to connect socket to '...': No such file or directory" is no missing disk.
constexpr Phrase migration_phrases[] = {
    {"ertificate", ErrorKind::peer_untrusted},
    {"TLS channel", ErrorKind::peer_untrusted},
    {"TLS handshake", ErrorKind::peer_untrusted},
    {"Failed to connect", ErrorKind::peer_unreachable},
    {"unable to connect to server", ErrorKind::peer_unreachable},
    {"Failed to bind socket", ErrorKind::peer_unreachable},
    {"Unable to read from socket", ErrorKind::peer_unreachable},
    {"Unable to write to socket", ErrorKind::peer_unreachable},
    {"End of file while reading data", ErrorKind::peer_unreachable},
    {"client socket is closed", ErrorKind::peer_unreachable},
    {"connection closed due to keepalive timeout", ErrorKind::peer_unreachable},
    {"Lost connection to destination host", ErrorKind::peer_unreachable},
    {"no route to host", ErrorKind::peer_unreachable},
};
// And these when nothing more exact was said.
constexpr Phrase vague_migration_phrases[] = {
    {"unexpectedly closed the monitor", ErrorKind::peer_unreachable},
    {"load of migration failed", ErrorKind::peer_unreachable},
    {"Connection reset by peer", ErrorKind::peer_unreachable},
    {"Broken pipe", ErrorKind::peer_unreachable},
    {"unexpectedly failed", ErrorKind::peer_unreachable},
    {"Channel error", ErrorKind::peer_unreachable},
};

ErrorKind of_errno(int number) {
    switch (number) {
        case ENOENT:
            return ErrorKind::missing_file;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorKind::permission;
        case ENOSPC:
        case EDQUOT:
            return ErrorKind::no_space;
        case ENOMEM:
            return ErrorKind::insufficient_memory;
        case EBUSY:
        case EADDRINUSE:
            return ErrorKind::device_in_use;
        case ETIMEDOUT:
            return ErrorKind::timed_out;
        default:
            return ErrorKind::internal;
    }
}

}  // namespace

ErrorKind classify(int code, int from, int system_errno, std::string_view message) {
    switch (code) {
        case VIR_ERR_NO_DOMAIN:
            return ErrorKind::not_found;
        case VIR_ERR_NO_CONNECT:
        case VIR_ERR_INVALID_CONN:
            return ErrorKind::unavailable;
        case VIR_ERR_AGENT_UNRESPONSIVE:
        case VIR_ERR_AGENT_UNSYNCED:
            return ErrorKind::agent_unavailable;
        case VIR_ERR_CPU_INCOMPATIBLE:
            return ErrorKind::incompatible_cpu;
        case VIR_ERR_NO_MEMORY:
            return ErrorKind::insufficient_memory;
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_OPERATION_DENIED:
        case VIR_ERR_ACCESS_DENIED:
            return ErrorKind::permission;
        default:
            break;
    }
    if (from == VIR_FROM_RPC) return ErrorKind::unavailable;
    for (const auto& phrase : phrases)
        if (message.find(phrase.text) != std::string_view::npos) return phrase.kind;
    switch (code) {
        case VIR_ERR_OPERATION_INVALID:
            return ErrorKind::invalid_state;
        case VIR_ERR_OPERATION_TIMEOUT:
            return ErrorKind::timed_out;
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_CONFIG_UNSUPPORTED:
        case VIR_ERR_ARGUMENT_UNSUPPORTED:
        case VIR_ERR_OPERATION_UNSUPPORTED:
            return ErrorKind::unsupported;
        case VIR_ERR_XML_ERROR:
        case VIR_ERR_XML_DETAIL:
        case VIR_ERR_XML_INVALID_SCHEMA:
            return ErrorKind::invalid_spec;
        case VIR_ERR_RESOURCE_BUSY:
            return ErrorKind::device_in_use;
        case VIR_ERR_SYSTEM_ERROR:
            return of_errno(system_errno);
        default:
            return ErrorKind::internal;
    }
}

ErrorKind classify_migration(int code, int from, int system_errno, std::string_view message) {
    if (code == VIR_ERR_OPERATION_ABORTED) return ErrorKind::cancelled;
    for (const auto& phrase : migration_phrases)
        if (message.find(phrase.text) != std::string_view::npos) return phrase.kind;
    // The daemon here speaks to the one there as a client, too.
    if (from == VIR_FROM_RPC || code == VIR_ERR_NO_CONNECT || code == VIR_ERR_INVALID_CONN)
        return ErrorKind::peer_unreachable;
    const auto kind = classify(code, from, system_errno, message);
    if (kind != ErrorKind::internal) return kind;
    for (const auto& phrase : vague_migration_phrases)
        if (message.find(phrase.text) != std::string_view::npos) return phrase.kind;
    return kind;
}

void throw_last_error(std::string_view what) {
    const virError* error = virGetLastError();
    if (error == nullptr)
        throw HypervisorError(ErrorKind::internal, fmt::format("{}: no error was reported", what));
    const std::string_view message = error->message ? error->message : "no message";
    throw HypervisorError(classify(error->code, error->domain, error->int1, message),
                          fmt::format("{}: {}", what, message));
}

}  // namespace drover::hypervisor::libvirt
