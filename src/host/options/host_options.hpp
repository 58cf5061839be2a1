#pragma once

#include "host/options/options.hpp"
#include "service/sessions.hpp"

namespace drover::host {

class HostSystem;

/// Where the daemon of this configuration writes its log.
std::filesystem::path log_directory(const Config& config);

/// Begins to write the log file, as far as options are not known yet. Throws std::runtime_error.
void open_log(const Config& config);

/// The options that every host has. The arguments must outlive `options`.
void define_host_options(Options& options, const HostContext& context, service::Sessions& sessions,
                         HostSystem& host_system, Datastores& datastores);

}  // namespace drover::host
