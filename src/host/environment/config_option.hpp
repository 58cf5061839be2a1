#pragma once

#include "host/context.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// Virtual hardware versions that machines may have ("vmx-19"), and the one for new machines.
inline constexpr int kOldestHardwareVersion = 4;
inline constexpr int kNewestHardwareVersion = 21;
inline constexpr int kUsualHardwareVersion = 19;

std::string hardware_key(int version);

/// The version of a key; nothing if it is none of ours.
std::optional<int> hardware_version(std::string_view key);

/// With only those guests whose ids are named; none named: all.
vim::VirtualMachineConfigOption make_config_option(const HostContext& context, int version,
                                                   const std::vector<std::string>& guest_ids);

vim::Value make_config_option_descriptors();

}  // namespace drover::host
