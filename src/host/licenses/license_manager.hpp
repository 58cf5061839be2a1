#pragma once

// LicenseManager "ha-license-manager" of a host that needs no license.

#include <map>
#include <string>

#include "host/context.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// Belongs to the strand.
class LicenseManager {
public:
    static constexpr std::string_view kKey = "00000-00000-00000-00000-00000";
    static constexpr std::size_t kMostLabels = 100;

    /// `cpu_packages` is what legacy accounting counts.
    LicenseManager(const HostContext& context, std::int32_t cpu_packages)
        : context_(context), cpu_packages_(cpu_packages) {}

    /// Reads the stored labels, makes the managed object and serves it.
    task::Awaitable<void> start();

private:
    using Labels = std::map<std::string, std::string>;

    void serve_licenses();
    void serve_features();
    void show();
    vim::LicenseManagerLicenseInfo own_license() const;
    /// The license of a key, or one whose properties say why it is none.
    vim::LicenseManagerLicenseInfo decode(std::string_view key) const;
    /// A label without text is removed.
    task::Awaitable<void> set_labels(Labels changes);
    task::Awaitable<vim::Value> add(std::string key, Labels labels);
    vim::LicenseUsageInfo usage() const;

    const HostContext& context_;
    const std::int32_t cpu_packages_;
    Labels labels_;
};

/// True for five groups of five letters and digits.
bool is_license_key(std::string_view text);

}  // namespace drover::host
