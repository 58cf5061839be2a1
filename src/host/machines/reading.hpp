#pragma once

// What a machine's files say, read in one go. A host with thousands of machines reads them all when
// it starts: each costs one visit to its datastore's queue, and several visits go on side by side.

#include <optional>
#include <vector>

#include "machine/config.hpp"
#include "machine/layout.hpp"
#include "storage/datastore.hpp"

namespace drover::host {

struct MachineReading {
    vmx::VmxFile file;
    machine::ReadContext context;             ///< with the facts of the disks
    std::vector<machine::MachineFile> files;  ///< in its directory, besides disks
    vim::VirtualMachineConfigInfo config;
};

/// Blocks. `context` names the host's datastores and networks; `home` is the datastore of the .vmx
/// file. Nothing if the machine has disks elsewhere: those must be asked in their own queues.
/// Throws StorageError and InvalidVmConfig.
std::optional<MachineReading> read_machine(storage::Datastore& home,
                                           const storage::DatastorePath& path,
                                           machine::ReadContext context);

// Its steps. They block, and throw the same.

vmx::VmxFile read_vmx(storage::Datastore& home, const storage::DatastorePath& path);
/// The facts of one disk and of the disks it is based on. What can't be read is left out.
machine::Disks describe_disks(storage::Datastore& store, const storage::DatastorePath& path);
std::vector<machine::MachineFile> list_machine_files(storage::Datastore& home,
                                                     const storage::DatastorePath& vmx);

}  // namespace drover::host
