#pragma once

// LicenseManager "ha-license-manager".

#include "host/context.hpp"
#include "service/licenses/license_manager.hpp"

namespace drover::host {

/// Belongs to the strand.
class LicenseManager : public service::LicenseManager {
public:
    /// `cpu_packages` is what legacy accounting counts.
    LicenseManager(const HostContext& context, std::int32_t cpu_packages);
};

}  // namespace drover::host
