#pragma once

// HostStorageSystem "storageSystem".

#include "host/context.hpp"
#include "host/storage_system/block_devices.hpp"

namespace drover::host {

/// Belongs to the strand.
class StorageSystem {
public:
    explicit StorageSystem(const HostContext& context) : context_(context) {}

    /// Makes the managed object and serves its methods.
    task::Awaitable<void> start();

    /// Looks at the disks and datastores now and shows what changed.
    task::Awaitable<void> refresh();

private:
    void serve_methods();

    const HostContext& context_;
    std::vector<BlockDevice> devices_;
};

}  // namespace drover::host
