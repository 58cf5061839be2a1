#pragma once

namespace drover::hypervisor::libvirt {

/// Starts libvirt's event loop on a thread of its own, once for the process. libvirt's loop is
/// global and can't be taken down, so neither is the thread. Thread-safe.
void ensure_event_loop();

}  // namespace drover::hypervisor::libvirt
