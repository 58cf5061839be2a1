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
    {"cannot acquire state change lock", ErrorKind::timed_out},
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

void throw_last_error(std::string_view what) {
    const virError* error = virGetLastError();
    if (error == nullptr)
        throw HypervisorError(ErrorKind::internal, fmt::format("{}: no error was reported", what));
    const std::string_view message = error->message ? error->message : "no message";
    throw HypervisorError(classify(error->code, error->domain, error->int1, message),
                          fmt::format("{}: {}", what, message));
}

}  // namespace drover::hypervisor::libvirt
