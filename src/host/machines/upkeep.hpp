#pragma once

#include "host/machines/reconfigure.hpp"

namespace drover::host {

/// What keeps a machine in order: UpgradeVM_Task, RefreshStorageInfo, ResetGuestInformation,
/// QueryUnownedFiles, PutUsbScanCodes.
class Upkeep {
public:
    Upkeep(const HostContext& context, Machines& machines, Reconfigure& reconfigure)
        : context_(context), machines_(machines), reconfigure_(reconfigure) {}
    void serve();

private:
    task::Awaitable<void> upgrade(MachinePtr machine, std::string version,
                                  storage::CopyControl control);
    task::Awaitable<vim::Value> unowned_files(MachinePtr machine);
    task::Awaitable<vim::Value> press_keys(task::Call call);

    const HostContext& context_;
    Machines& machines_;
    Reconfigure& reconfigure_;
};

}  // namespace drover::host
