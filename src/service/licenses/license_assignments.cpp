#include "service/licenses/license_assignments.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/licenses/license_manager.hpp"
#include "vim/extensions_types.hpp"

namespace drover::service {

using vim::TypeId;
using vim::Value;

namespace {

using Licensees = std::function<std::vector<Licensee>()>;
using License = std::function<vim::LicenseManagerLicenseInfo(std::string_view)>;

Licensee require(const std::vector<Licensee>& all, std::string_view id) {
    const auto found = std::ranges::find(all, id, &Licensee::id);
    if (found != all.end()) return *found;
    auto fault = vim::LicenseEntityNotFound::make();
    fault.set_entityId(id);
    throw vim::Fault(fault,
                     fmt::format("Nothing that has a license is called '{}'.", id.substr(0, 100)));
}

Value assignment(const Licensee& licensee, const vim::LicenseManagerLicenseInfo& license) {
    auto made = vim::LicenseAssignmentManagerLicenseAssignment::make();
    made.set_entityId(licensee.id);
    made.set_entityDisplayName(licensee.name);
    made.set_assignedLicense(license);
    return made.raw();
}

}  // namespace

void serve_license_assignments(model::Inventory& inventory, task::Dispatcher& dispatcher,
                               const vim::MoRef& self, Licensees licensees, License license) {
    model::Transaction transaction(inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    const auto own = [license] { return license(LicenseManager::kKey); };
    dispatcher.add_direct("QueryAssignedLicenses", [licensees, own](const task::Call& call) {
        const auto wanted = call.arguments<vim::QueryAssignedLicensesRequest>().entityId();
        std::vector<Value> found;
        for (const Licensee& each : licensees()) {
            if (wanted && !wanted->empty() && *wanted != each.id) continue;
            found.push_back(assignment(each, own()));
        }
        return Value::array(TypeId::LicenseAssignmentManagerLicenseAssignment, std::move(found));
    });
    dispatcher.add_direct("UpdateAssignedLicense", [licensees, own](const task::Call& call) {
        const auto request = call.arguments<vim::UpdateAssignedLicenseRequest>();
        require(licensees(), request.entity());
        // An empty key takes the present one back: there is nothing else to fall back to.
        if (!request.licenseKey().empty() && request.licenseKey() != LicenseManager::kKey) {
            throw vim::invalid_argument("licenseKey",
                                        "licenseKey: License is not valid for this product");
        }
        return own().raw();
    });
    dispatcher.add_direct("RemoveAssignedLicense", [licensees](const task::Call& call) {
        require(licensees(), call.arguments<vim::RemoveAssignedLicenseRequest>().entityId());
        return Value{};
    });
}

}  // namespace drover::service
