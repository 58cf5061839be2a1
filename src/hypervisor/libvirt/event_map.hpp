#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hypervisor/events.hpp"

namespace drover::hypervisor::libvirt {

/// A libvirt lifecycle event and its detail as ours; nothing for those that are no news to us
/// (definitions, suspended for a snapshot). Pure.
std::optional<LifecycleEvent> map_lifecycle(int event, int detail);

/// What QEMU calls the reason of an I/O error ("enospc").
IoErrorReason map_io_error(std::string_view reason);

}  // namespace drover::hypervisor::libvirt
