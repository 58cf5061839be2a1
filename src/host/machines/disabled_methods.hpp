#pragma once

#include "host/machines/machine.hpp"
#include "task/dispatcher.hpp"

namespace drover::host {

/// VirtualMachine.disabledMethod: what can't be called in the machine's present state, and what
/// this host does not serve at all. Values are shared among machines.
vim::Value disabled_methods(const Machine& machine, const task::Dispatcher& dispatcher);

}  // namespace drover::host
