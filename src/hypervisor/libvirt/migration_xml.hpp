#pragma once

#include <string>
#include <string_view>

#include "hypervisor/migration.hpp"

// What the other host is told of a domain. Pure; see live_xml.hpp for what is thrown.

namespace drover::hypervisor::libvirt {

/// The domain as it shall be at the destination: the migratable XML of the running domain with
/// paths, bridges and our own notes replaced. invalid_spec if a disk to copy is not there.
std::string destination_xml(std::string_view migratable_xml, const MigrationSpec& spec);

/// The part of a domain's XML that says which CPU the guest sees.
std::string cpu_text(std::string_view migratable_xml);

struct CpuDemand {
    std::string virt_type{};  ///< "kvm", "qemu"
    std::string arch{};
    std::string machine{};
    std::string cpu_xml{};  ///< empty: whatever QEMU offers, which is compared by nobody
};
/// Reads what cpu_text() wrote, maybe on another host. invalid_spec if it is anything else.
CpuDemand parse_cpu_text(std::string_view text);

}  // namespace drover::hypervisor::libvirt
