#pragma once

#include <string_view>
#include <vector>

#include "center/context.hpp"

namespace drover::center {

/// The datastores of this name in a datacenter (its path "folder/dc", with or without a slash
/// before it, or its reference), or in any if `datacenter` is empty. On the strand.
std::vector<vim::MoRef> datastores_named(const CenterContext& context, std::string_view datacenter,
                                         std::string_view datastore);

}  // namespace drover::center
