#pragma once

#include <vector>

#include "vim/data_handle.hpp"

namespace drover::host {

vim::DataHandle int_option(std::int32_t least, std::int32_t most, std::int32_t usual);
vim::DataHandle long_option(std::int64_t least, std::int64_t most, std::int64_t usual);
vim::DataHandle bool_option(bool supported, bool usual);

/// VirtualHardwareOption.virtualDeviceOption: the devices that machines of this host can have, and
/// how many of them.
std::vector<vim::DataHandle> make_device_options();

/// SharesOption of CPU and memory, as ResourceConfigOption wants it.
vim::DataHandle make_resource_options();

}  // namespace drover::host
