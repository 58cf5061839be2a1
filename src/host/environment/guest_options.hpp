#pragma once

#include "host/host_system/capacity.hpp"
#include "machine/guest_os.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// What a host says of one guest operating system: limits of the host, and what a wizard should
/// propose.
vim::GuestOsDescriptor describe_guest(const machine::GuestOs& guest, const Capacity& capacity,
                                      bool has_uefi);

}  // namespace drover::host
