#pragma once

#include <vector>

#include "center/migration/migration_parts.hpp"

namespace drover::center {

/// Where a machine is to be. Unset members: as it is.
struct Destination {
    vim::MoRef host;
    vim::MoRef datastore;  ///< of its files
    vim::MoRef pool;
    vim::MoRef folder;
    /// Of single disks (VirtualMachineRelocateSpecDiskLocator) that go elsewhere than `datastore`;
    /// only for a machine that stays on its host.
    std::vector<vim::DataHandle> disks = {};

    bool moves_files() const { return static_cast<bool>(datastore) || !disks.empty(); }
};

/// The host that a machine runs on, or is registered with.
vim::MoRef host_of(const MigrationParts& parts, const vim::MoRef& machine);

/// Completes a wish: a pool or a compute resource without a host gets the connected host out of
/// maintenance with the most free memory that has the machine's datastores (or the wanted one); a
/// host without a pool the machine's pool if it is of the same compute resource, else that one's
/// root. InvalidArgument for what does not belong together, InvalidState where no host fits.
Destination complete(const MigrationParts& parts, const vim::MoRef& machine, Destination wish);

/// The hosts of a compute resource that could take a machine, the one with the most free memory
/// first; `except` is left out.
std::vector<Host*> candidates(const MigrationParts& parts, const vim::MoRef& machine,
                              const vim::MoRef& compute_resource, const vim::MoRef& except);

}  // namespace drover::center
