#pragma once

#include "host/machines/machine.hpp"

namespace drover::host {

/// VirtualMachine.guest: what the guest agent told, in the words of VMware's tools. Always an
/// object, also where nothing is known.
vim::GuestInfo make_guest(const Machine& machine);

/// The part of it that stands in VirtualMachine.summary.
vim::VirtualMachineGuestSummary make_guest_summary(const Machine& machine);

/// The address by which the guest is best reached: its first global IPv4 address, else an IPv6 one.
/// Empty if there is none.
std::string guest_address(const Machine& machine);

}  // namespace drover::host
