#pragma once

#include "vim/value.hpp"

namespace drover::host::references {

/// In no ServiceContent: hosts and centers know it.
inline const vim::MoRef migration_manager{vim::TypeId::DroverMigrationManager,
                                          "drover-migration-manager"};

}  // namespace drover::host::references
