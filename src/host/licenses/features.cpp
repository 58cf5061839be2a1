#include "host/licenses/features.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/fault.hpp"

namespace drover::host {
namespace {

vim::LicenseFeatureInfo make_feature(std::string_view key, std::string_view name,
                                     std::string_view description, bool edition) {
    auto made = vim::LicenseFeatureInfo::make();
    made.set_key(key);
    made.set_featureName(name);
    made.set_featureDescription(description);
    made.set_state(vim::LicenseFeatureInfoState::enabled);
    made.set_costUnit("cpuPackage");
    made.set_sourceRestriction("unrestricted");
    made.set_edition(edition);
    return made;
}

}  // namespace

const std::vector<vim::LicenseFeatureInfo>& license_features() {
    static const std::vector<vim::LicenseFeatureInfo> features{
        make_feature(kEditionFeature, "drover host", "Everything that a host does", true),
        make_feature("vsmp", "Virtual SMP", "Virtual machines with several processors", false),
    };
    return features;
}

void require_feature(std::string_view key) {
    const auto& features = license_features();
    if (std::ranges::find(features, key, &vim::LicenseFeatureInfo::key) != features.end()) return;
    throw vim::invalid_argument("featureKey", fmt::format("There is no feature '{}'.", key));
}

}  // namespace drover::host
