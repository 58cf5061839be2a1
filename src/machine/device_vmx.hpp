#pragma once

// The devices' part of config.hpp. Private to this directory.

#include <string_view>
#include <vector>

#include "machine/config.hpp"

namespace drover::machine {

/// All devices that the file and every machine have, arranged.
std::vector<vim::VirtualDevice> devices_from_vmx(const vmx::VmxFile& file,
                                                 const ReadContext& context);

/// Its disks and optical drives alone, in the order of their places.
std::vector<vim::VirtualDevice> storage_from_vmx(const vmx::VmxFile& file,
                                                 const ReadContext& context);

/// Writes the devices and removes those that are gone.
void write_devices(vmx::VmxFile& file, const std::vector<vim::VirtualDevice>& devices,
                   const std::string& vm_path, const Datastores& datastores);

/// True if the key belongs to a device and is shown there ("scsi0:1.fileName").
bool is_device_key(std::string_view lower_case_key);

/// "normal", "low", "high" or a number. `unit` is the number of shares that "normal" means.
vim::SharesInfo shares_from_text(std::string_view text, std::int64_t normal_shares);
std::string shares_to_text(const vim::SharesInfo& shares);
/// The number that a level stands for: half of normal, normal, twice normal.
std::int32_t level_shares(vim::SharesLevel level, std::int64_t normal_shares);

inline constexpr std::int64_t kDiskShares = 1000;

}  // namespace drover::machine
