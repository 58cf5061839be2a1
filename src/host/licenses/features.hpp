#pragma once

#include <vector>

#include "vim/management_types.hpp"

namespace drover::host {

/// The feature that stands for the edition.
inline constexpr std::string_view kEditionFeature = "esxFull";

/// The features that legacy clients ask for and this host has.
const std::vector<vim::LicenseFeatureInfo>& license_features();

/// InvalidArgument for a key that is none of them.
void require_feature(std::string_view key);

}  // namespace drover::host
