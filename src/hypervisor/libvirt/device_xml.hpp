#pragma once

#include <pugixml.hpp>

#include "hypervisor/domain_spec.hpp"

// Private to libvirt/: appends the devices of a specification to libvirt's <devices>.

namespace drover::hypervisor::libvirt {

void append_devices(pugi::xml_node devices, const DomainSpec& spec);

const char* name_of(ImageFormat format);

}  // namespace drover::hypervisor::libvirt
