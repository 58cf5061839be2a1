#pragma once

#include <exception>

#include "vim/fault.hpp"

namespace drover::host {

/// Turns what host code throws into the fault that the interface documents for it: a vim::Fault
/// stays what it is; errors of storage, hypervisor, store and blocking calls become the fault that
/// fits, with their message; anything else is SystemError. Call it in a catch block's place.
vim::Fault fault_of(std::exception_ptr error);

}  // namespace drover::host
