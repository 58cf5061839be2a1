#pragma once

// DiagnosticManager "DiagMgr": the center's log and those of its hosts, and support bundles of
// all of them.

#include <filesystem>
#include <optional>
#include <string>

#include "center/context.hpp"
#include "center/forwarding/forwarding.hpp"
#include "center/hosts/hosts.hpp"

namespace drover::center {

/// Belongs to the strand.
class Diagnostics {
public:
    static constexpr std::size_t kMostBundles = 5;
    static constexpr std::chrono::minutes kBundlesKept{60};
    /// As clients call the center's log.
    static constexpr std::string_view kLogKey = "vpxd:vpxd.log";

    Diagnostics(CenterContext& context, Hosts& hosts, Forwarding& forwarding);

    /// Makes the managed object and serves it. Before the service content is published.
    void serve();

    /// Where the center's own bundles are.
    const std::filesystem::path& directory() const { return directory_; }

    /// The host that a bundle's path below /downloads/ leads to ("host-9/<name>"), and the name.
    struct HostBundle {
        vim::MoRef host;
        std::string name;
    };
    std::optional<HostBundle> host_bundle(std::string_view path) const;
    /// The names that bundles have; above all, nothing with a slash in it.
    static bool is_bundle_name(std::string_view name);

private:
    task::Awaitable<vim::Value> describe_logs(task::Call call);
    task::Awaitable<vim::Value> browse(task::Call call);
    task::Awaitable<vim::Value> generate(task::Call call, task::TaskContextPtr context);
    task::Awaitable<std::string> make_bundle();
    HostObject manager_of(const vim::MoRef& host) const;
    std::string url_of(std::string_view path) const;
    std::map<std::string, std::string> describe_center() const;
    task::Awaitable<void> clean_up();

    CenterContext& context_;
    Hosts& hosts_;
    Forwarding& forwarding_;
    const std::filesystem::path directory_;
    const std::filesystem::path log_;
    bool making_ = false;
};

}  // namespace drover::center
