#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hypervisor/host_info.hpp"

namespace drover::hypervisor::libvirt {

/// Fills uuid, CPU model, vendor, features, NUMA cells and machine types from the engine's
/// capabilities. Returns true if the engine says that it can use KVM for x86_64. Throws
/// HypervisorError(internal) for what is no capabilities document. Pure.
bool parse_capabilities(std::string_view xml, HostInfo& info);

/// The CPU that machines can have, from the engine's domain capabilities: a <cpu> element as its
/// comparing calls take it, with the model and what differs from it. Empty if the engine knows of
/// none. Pure.
std::string model_cpu_xml(std::string_view domain_capabilities);

/// Vendor, nearest model and all features of that CPU, from such an element whose features were
/// expanded. Pure.
void parse_expanded_cpu(std::string_view xml, HostInfo& info);

struct CpuInfo {
    std::string brand{};
    bool hardware_virtualization = false;  ///< vmx or svm
};

/// Reads the text of /proc/cpuinfo. Pure.
CpuInfo parse_cpuinfo(std::string_view text);

/// A firmware descriptor (QEMU's interop format, JSON). Nothing if it is none, or describes
/// something else than UEFI in flash for x86_64. Pure.
std::optional<UefiFirmware> parse_firmware_descriptor(std::string_view json);

}  // namespace drover::hypervisor::libvirt
