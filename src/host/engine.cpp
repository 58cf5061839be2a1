#include "host/engine.hpp"

#include "base/log.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"
#include "hypervisor/simulated/simulated_hypervisor.hpp"

namespace drover::host {

std::unique_ptr<hypervisor::Hypervisor> make_engine(const Config& config,
                                                    const base::Clock& clock) {
    if (config.simulation) {
        base::log_warning("this host is SIMULATED: its machines run nothing");
        return hypervisor::make_simulated_hypervisor(
            config.simulation->engine_options(config.state_directory), clock);
    }
    hypervisor::LibvirtOptions libvirt;
    libvirt.uri = config.libvirt_uri;
    return hypervisor::make_libvirt_hypervisor(libvirt);
}

}  // namespace drover::host
