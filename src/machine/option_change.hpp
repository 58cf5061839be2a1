#pragma once

// What a VirtualMachineConfigSpec says besides devices. Private to this directory.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "machine/reconfigure.hpp"

namespace drover::machine {

/// Keys of the file that the configuration never shows, and their new values (empty: removed).
using SecretOptions = std::vector<std::pair<std::string, std::string>>;

void apply_options(vim::VirtualMachineConfigInfo& config, const vim::VirtualMachineConfigSpec& spec,
                   const Rules& rules, SecretOptions& secrets);

/// Takes over a boot order; `final_key` maps the spec's device keys to the machine's.
void apply_boot_order(vim::VirtualMachineConfigInfo& config,
                      const vim::VirtualMachineBootOptions& wanted,
                      const std::function<std::int32_t(std::int32_t)>& final_key);

/// CPUs, memory and their allocation fit each other and the rules.
void check_resources(const vim::VirtualMachineConfigInfo& config, const Rules& rules);

}  // namespace drover::machine
