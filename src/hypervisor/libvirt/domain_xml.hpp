#pragma once

#include <map>
#include <string>

#include "hypervisor/domain_spec.hpp"

namespace drover::hypervisor::libvirt {

/// The namespace of our element in a domain's <metadata>.
inline constexpr char metadata_namespace[] = "urn:drover:machine:1";
inline constexpr char metadata_prefix[] = "drover";

/// libvirt's XML for this machine. Pure; the specification must have passed validate().
std::string to_domain_xml(const DomainSpec& spec);

/// The content of our <metadata> element, in the form that virDomainSetMetadata wants.
std::string to_metadata_xml(const std::map<std::string, std::string>& metadata);

}  // namespace drover::hypervisor::libvirt
