#pragma once

#include "center/context.hpp"
#include "center/forwarding/forwarding.hpp"
#include "center/hosts/hosts.hpp"
#include "center/mirror/mirror.hpp"
#include "center/tree/tree.hpp"
#include "vim/migration_types.hpp"
#include "vim/relocation_types.hpp"

namespace drover::center {

/// What everything here stands on.
struct MigrationParts {
    CenterContext& context;
    Hosts& hosts;
    Mirror& mirror;
    Forwarding& forwarding;
};

/// A host's object through which machines leave and come.
inline HostObject migration_manager(Host& host) {
    return {&host, {vim::TypeId::DroverMigrationManager, "drover-migration-manager"}};
}

/// Its object that says whether a machine's files can go to other datastores of it.
inline HostObject provisioning_checker(Host& host) {
    return {&host, {vim::TypeId::VirtualMachineProvisioningChecker, "drover-provisioning-checker"}};
}

}  // namespace drover::center
