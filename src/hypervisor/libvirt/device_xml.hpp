#pragma once

#include <pugixml.hpp>
#include <string>

#include "hypervisor/domain_spec.hpp"

// Private to libvirt/: appends the devices of a specification to libvirt's <devices>.

namespace drover::hypervisor::libvirt {

void append_devices(pugi::xml_node devices, const DomainSpec& spec);

/// One device as an element of its own, to be plugged into a running domain. No boot order: that
/// was settled when the domain started.
std::string to_disk_xml(const DomainSpec& spec, const DiskSpec& disk);
std::string to_nic_xml(const NicSpec& nic);

const char* name_of(ImageFormat format);

}  // namespace drover::hypervisor::libvirt
