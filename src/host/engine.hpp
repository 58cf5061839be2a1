#pragma once

#include <memory>

#include "base/clock.hpp"
#include "host/config.hpp"
#include "hypervisor/hypervisor.hpp"

namespace drover::host {

/// What runs this host's machines: libvirt, or, only where the configuration says so, a simulation.
/// It connects by itself and again; nothing here waits or throws. `clock` must outlive it.
std::unique_ptr<hypervisor::Hypervisor> make_engine(const Config& config, const base::Clock& clock);

}  // namespace drover::host
