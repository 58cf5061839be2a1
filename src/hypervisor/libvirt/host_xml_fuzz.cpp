// Any text as capabilities, /proc/cpuinfo and a firmware descriptor.

#include <cstddef>
#include <cstdint>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/libvirt/host_xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::hypervisor;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    libvirt::parse_cpuinfo(text);
    libvirt::parse_firmware_descriptor(text);
    try {
        HostInfo info;
        libvirt::parse_capabilities(text, info);
    } catch (const HypervisorError&) {
    }
    return 0;
}
