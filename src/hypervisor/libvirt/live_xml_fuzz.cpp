// Any text as the XML of a running domain.

#include <cstddef>
#include <cstdint>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/libvirt/live_xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::hypervisor;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto attempt = [](auto call) {
        try {
            call();
        } catch (const HypervisorError&) {
        }
    };
    attempt([&] { libvirt::parse_live_xml(text); });
    attempt([&] { libvirt::media_change_xml(text, "hda", DiskImage{"/a", ImageFormat::qcow2}); });
    attempt([&] { libvirt::link_change_xml(text, "00:50:56:00:00:01", true); });
    attempt([&] { libvirt::keep_saved_cpu("<domain><cpu mode='host-model'/></domain>", text); });
    return 0;
}
