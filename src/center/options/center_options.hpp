#pragma once

#include "center/context.hpp"
#include "service/options/options.hpp"
#include "service/sessions.hpp"

namespace drover::center {

/// Where the daemon writes its log.
std::filesystem::path log_directory(const Config& config);

/// Begins to write the log file. Throws std::runtime_error.
void open_log(const Config& config);

/// The options of "VpxSettings". The arguments must outlive `options`.
void define_center_options(service::Options& options, const CenterBasics& context,
                           service::Sessions& sessions);

}  // namespace drover::center
