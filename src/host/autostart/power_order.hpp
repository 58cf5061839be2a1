#pragma once

// The list of machines that start and stop with the host. Pure.

#include <functional>
#include <vector>

#include "vim/types.hpp"

namespace drover::host {

/// What a host has before anybody changes it: nothing starts by itself.
vim::HostAutoStartManagerConfig default_autostart();

/// The configuration after ReconfigureAutostart: properties of the defaults that `spec` sets, and
/// the machines that it names, each as a whole. A machine whose startAction is "none" leaves the
/// list. A place that is taken moves the others back. Throws InvalidArgument that names the
/// property.
vim::HostAutoStartManagerConfig reconfigured(const vim::HostAutoStartManagerConfig& old,
                                             const vim::HostAutoStartManagerConfig& spec);

/// Without the machines for which `is_gone` holds.
vim::HostAutoStartManagerConfig without(const vim::HostAutoStartManagerConfig& config,
                                        const std::function<bool(const vim::MoRef&)>& is_gone);

/// In the order in which they are started; those without a place (-1) come last.
std::vector<vim::AutoStartPowerInfo> start_order(const vim::HostAutoStartManagerConfig& config);

}  // namespace drover::host
