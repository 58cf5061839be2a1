#include "host/licenses/license_manager.hpp"

#include "host/references.hpp"
#include "host/service_instance.hpp"

namespace drover::host {
namespace {

service::LicenseManager::Parts parts_of(const HostContext& context, std::int32_t cpu_packages) {
    const auto about = make_about(context);
    return {
        .runtime = context.runtime,
        .inventory = context.inventory,
        .dispatcher = context.dispatcher,
        .store = context.store,
        .manager = references::license_manager,
        .product_name = std::string(about.licenseProductName().value_or("")),
        .product_version = std::string(about.licenseProductVersion().value_or("")),
        .features = {service::license_feature("esxFull", "drover host",
                                              "Everything that a host does", true),
                     service::license_feature("vsmp", "Virtual SMP",
                                              "Virtual machines with several processors", false)},
        .cpu_packages = cpu_packages};
}

}  // namespace

LicenseManager::LicenseManager(const HostContext& context, std::int32_t cpu_packages)
    : service::LicenseManager(parts_of(context, cpu_packages)) {}

}  // namespace drover::host
