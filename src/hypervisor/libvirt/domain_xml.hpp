#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hypervisor/domain_spec.hpp"

namespace drover::hypervisor::libvirt {

/// The namespace of our element in a domain's <metadata>.
inline constexpr char metadata_namespace[] = "urn:drover:machine:1";
inline constexpr char metadata_prefix[] = "drover";

/// libvirt's XML for this machine. Pure; the specification must have passed validate().
std::string to_domain_xml(const DomainSpec& spec);

/// QEMU's argument for a second monitor, for the one who keeps the domain's permit to run: libvirt
/// has the first to itself, and may be down. In QEMU's syntax a comma is written twice.
inline constexpr std::string_view guard_prefix = "socket,id=guard,";
std::string guard_socket(std::string path);
/// Where the metadata want the second monitor: `monitor` of a machine that is guarded from its
/// start, `spare_monitor` of one that may be later. Nothing if they don't.
std::optional<std::string> guard_path(const std::map<std::string, std::string>& metadata);

/// The content of our <metadata> element, in the form that virDomainSetMetadata wants.
std::string to_metadata_xml(const std::map<std::string, std::string>& metadata);

}  // namespace drover::hypervisor::libvirt
