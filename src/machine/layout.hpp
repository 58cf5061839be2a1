#pragma once

// Views of a machine that follow from its configuration and its files.

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "machine/config.hpp"

namespace drover::machine {

/// VirtualMachine.summary.config.
vim::VirtualMachineConfigSummary config_summary(const vim::VirtualMachineConfigInfo& config);

/// A file of the machine besides its disks.
struct MachineFile {
    std::string name;  ///< in the API's form
    std::string type;  ///< "config", "nvram", "log", "suspend", "swap", ...
    std::int64_t size_bytes = 0;
};

/// VirtualMachine.layout.
vim::VirtualMachineFileLayout file_layout(const vim::VirtualMachineConfigInfo& config,
                                          const Disks& disks,
                                          const std::vector<MachineFile>& files);

/// VirtualMachine.layoutEx. Keys count from 0 in the order: `files`, then disks.
vim::VirtualMachineFileLayoutEx file_layout_ex(const vim::VirtualMachineConfigInfo& config,
                                               const Disks& disks,
                                               const std::vector<MachineFile>& files,
                                               base::WallTime now);

/// VirtualMachine.storage: per datastore what is taken, and what thin disks may yet take. Parents
/// of linked clones count as taken but not as unshared.
vim::VirtualMachineStorageInfo storage_info(const vim::VirtualMachineConfigInfo& config,
                                            const ReadContext& context,
                                            const std::vector<MachineFile>& files,
                                            base::WallTime now);

/// The sum of storage_info(), for summary.storage.
vim::VirtualMachineStorageSummary storage_summary(const vim::VirtualMachineStorageInfo& info);

}  // namespace drover::machine
