#pragma once

// DiagnosticManager "ha-diagnosticmgr": the host's logs, and support bundles.

#include <filesystem>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

class Options;

/// A log that clients can read.
struct LogSource {
    std::string key;  ///< "hostd"
    std::filesystem::path path;
    std::string creator;
    std::string label;
};

/// Belongs to the strand.
class DiagnosticManager {
public:
    static constexpr std::size_t kMostBundles = 5;

    DiagnosticManager(const HostContext& context, Options& options);

    /// Makes the managed object and serves it. Its options must be defined before they start.
    void define_options();
    void start();

    /// Packs a bundle and returns its file name. LogBundlingFailed, or TaskInProgress if one is
    /// being made.
    task::Awaitable<std::string> make_bundle();

    /// Where the bundles are.
    const std::filesystem::path& directory() const { return directory_; }

private:
    task::Awaitable<vim::Value> describe_logs();
    task::Awaitable<vim::Value> browse(task::Call call);
    task::Awaitable<vim::Value> generate(task::Call call);
    task::Awaitable<void> clean_up();
    std::map<std::string, std::string> describe_host() const;

    const HostContext& context_;
    Options& options_;
    const std::filesystem::path directory_;
    const std::vector<LogSource> sources_;
    bool making_ = false;
};

}  // namespace drover::host
