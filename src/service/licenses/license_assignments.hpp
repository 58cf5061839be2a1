#pragma once

// LicenseAssignmentManager: which license each part of a center has. There is one license, and
// everything has it.

#include <functional>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "task/dispatcher.hpp"
#include "vim/management_types.hpp"

namespace drover::service {

/// What a license can be given to.
struct Licensee {
    std::string id;  ///< of the object, or the center's own uuid
    std::string name;
};

/// Makes the managed object and serves it. `licensees` lists everything that has a license now;
/// `license` is that of a key.
void serve_license_assignments(
    model::Inventory& inventory, task::Dispatcher& dispatcher, const vim::MoRef& self,
    std::function<std::vector<Licensee>()> licensees,
    std::function<vim::LicenseManagerLicenseInfo(std::string_view key)> license);

}  // namespace drover::service
