#pragma once

#include <string>
#include <string_view>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::libvirt {

/// The kind of a libvirt error: `code` is a virErrorNumber, `from` a virErrorDomain, `system_errno`
/// what libvirt puts into int1 of a VIR_ERR_SYSTEM_ERROR. Pure.
ErrorKind classify(int code, int from, int system_errno, std::string_view message);

/// The same for the error of a migration that was tried on a connection that still is alive.
ErrorKind classify_migration(int code, int from, int system_errno, std::string_view message);

/// Throws this thread's last libvirt error as a HypervisorError, with `what` was tried in front.
[[noreturn]] void throw_last_error(std::string_view what);

}  // namespace drover::hypervisor::libvirt
