#pragma once

// LicenseManager of a server that needs no license.

#include <map>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "service/licenses/license_assignments.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"
#include "vim/management_types.hpp"

namespace drover::service {

/// Belongs to the strand.
class LicenseManager {
public:
    static constexpr std::string_view kKey = "00000-00000-00000-00000-00000";
    static constexpr std::size_t kMostLabels = 100;

    struct Parts {
        task::Runtime& runtime;
        model::Inventory& inventory;
        task::Dispatcher& dispatcher;
        store::Store& store;
        vim::MoRef manager;
        std::string product_name;
        std::string product_version;
        /// What legacy clients ask for and this server has; the first one stands for the edition.
        std::vector<vim::LicenseFeatureInfo> features;
        std::int32_t cpu_packages = 0;  ///< what legacy accounting counts
        /// A center's LicenseAssignmentManager, and whom it speaks of. Hosts have none.
        vim::MoRef assignments = {};
        std::function<std::vector<Licensee>()> licensees = {};
    };

    explicit LicenseManager(Parts parts) : parts_(std::move(parts)) {}

    /// Reads the stored labels, makes the managed object and serves it.
    task::Awaitable<void> start();

private:
    using Labels = std::map<std::string, std::string>;

    void serve_licenses();
    void serve_features();
    void show();
    std::vector<vim::KeyAnyValue> product_facts() const;
    void require_feature(std::string_view key) const;
    std::string_view edition() const { return parts_.features.front().key(); }
    vim::LicenseManagerLicenseInfo own_license() const;
    /// The license of a key, or one whose properties say why it is none.
    vim::LicenseManagerLicenseInfo decode(std::string_view key) const;
    /// A label without text is removed.
    task::Awaitable<void> set_labels(Labels changes);
    task::Awaitable<vim::Value> add(std::string key, Labels labels);
    vim::LicenseUsageInfo usage() const;

    Parts parts_;
    Labels labels_;
};

/// A feature that is on.
vim::LicenseFeatureInfo license_feature(std::string_view key, std::string_view name,
                                        std::string_view description, bool edition);

/// True for five groups of five letters and digits.
bool is_license_key(std::string_view text);

}  // namespace drover::service
