#include "host/licenses/license_manager.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"

namespace drover::host {

using service::is_license_key;
namespace {

using vim::Value;

class LicenseManagerTest : public testing::Test {
protected:
    LicenseManagerTest() { host.run(licenses.start()); }

    vim::LicenseManagerLicenseInfo shown() {
        const auto& object = host.inventory.get(references::license_manager);
        const Value& list = object.property(vim::property::LicenseManager::licenses);
        EXPECT_EQ(list.elements().size(), 1u);
        return vim::LicenseManagerLicenseInfo(list.elements()[0]);
    }
    vim::LicenseManagerLicenseInfo decode(const std::string& key) {
        auto request = vim::DecodeLicenseRequest::make();
        request.set_licenseKey(key);
        return vim::LicenseManagerLicenseInfo(
            host.call(references::license_manager, "DecodeLicense", request));
    }
    void set_label(const std::string& license, const std::string& key, const std::string& text) {
        auto request = vim::UpdateLicenseLabelRequest::make();
        request.set_licenseKey(license);
        request.set_labelKey(key);
        request.set_labelValue(text);
        host.call(references::license_manager, "UpdateLicenseLabel", request);
    }
    static std::string fact(const vim::LicenseManagerLicenseInfo& license, std::string_view key) {
        for (const auto& each : license.properties()) {
            if (each.key() == key) return std::string(each.value().as_string());
        }
        return {};
    }
    std::size_t label_count() {
        const Value& labels = shown().raw().property("labels");
        return labels ? labels.elements().size() : 0;
    }

    simulated::SimulatedHost host;
    LicenseManager licenses{host.context, 2};
    const std::string own{LicenseManager::kKey};
};

TEST_F(LicenseManagerTest, HasTheOneLicense) {
    EXPECT_EQ(shown().licenseKey(), own);
    EXPECT_EQ(shown().editionKey(), "eval");
    EXPECT_EQ(fact(shown(), "ProductName"), "drover host");
    EXPECT_EQ(decode(own).name(), "Evaluation Mode");
}

TEST_F(LicenseManagerTest, SaysThatOtherKeysAreForOtherProducts) {
    EXPECT_EQ(fact(decode("00000-00000-00000-00000-00001"), "diagnostic"),
              "License is not valid for this product");
    EXPECT_EQ(fact(decode("12345"), "diagnostic"), "License key is not well-formed");
    EXPECT_FALSE(is_license_key("00000-00000-00000-00000_00001"));
}

TEST_F(LicenseManagerTest, KeepsLabels) {
    set_label(own, "site", "Berlin");
    set_label(own, "rack", "4");
    set_label(own, "site", "Hamburg");
    EXPECT_EQ(label_count(), 2u);
    LicenseManager later(host.context, 2);
    EXPECT_EQ(host.store->load("license_label").size(), 2u);
    set_label(own, "rack", "");
    EXPECT_EQ(label_count(), 1u);
    EXPECT_THROW(set_label("00000-00000-00000-00000-00001", "site", "x"), vim::Fault);
    EXPECT_THROW(set_label(own, "", "x"), vim::Fault);
    EXPECT_THROW(set_label(own, "site", std::string(5000, 'x')), vim::Fault);
}

TEST_F(LicenseManagerTest, CountsSocketsForLegacyClients) {
    const Value usage = host.call(references::license_manager, "QueryLicenseUsage");
    EXPECT_TRUE(simulated::missing_in(usage).empty());
    EXPECT_EQ(vim::LicenseUsageInfo(usage).reservationInfo()[0].required(), 2);
    auto request = vim::CheckLicenseFeatureRequest::make();
    request.set_featureKey("vsmp");
    EXPECT_TRUE(
        host.call(references::license_manager, "CheckLicenseFeature", request).as_boolean());
    request.set_featureKey("warp");
    EXPECT_THROW(host.call(references::license_manager, "CheckLicenseFeature", request),
                 vim::Fault);
}

}  // namespace
}  // namespace drover::host
