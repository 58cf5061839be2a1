#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/context.hpp"

namespace drover::cli {

/// What the center says about DRS in a cluster: its /drs, with further questions ("&whyNot=1").
/// Throws UsageError at a host, and what the center refuses with.
nlohmann::json drs_report(Context& context, const vim::MoRef& cluster,
                          const std::string& questions = {});

/// The cluster of this name; the only one if the name is empty.
client::Named drs_cluster(Context& context, const std::string& name);

}  // namespace drover::cli
