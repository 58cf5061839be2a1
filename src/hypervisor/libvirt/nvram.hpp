#pragma once

#include <libvirt/libvirt.h>

#include <string>

namespace drover::hypervisor::libvirt {

/// `xml` of a running domain with the file of the firmware's variables that is in use by now:
/// libvirt only knows the one from the domain's start.
std::string with_present_nvram(virDomainPtr domain, const std::string& xml);

}  // namespace drover::hypervisor::libvirt
