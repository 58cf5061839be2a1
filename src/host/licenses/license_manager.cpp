#include "host/licenses/license_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/host_system/object.hpp"
#include "host/licenses/features.hpp"
#include "host/references.hpp"
#include "host/service_instance.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::LicenseManager;

namespace {

constexpr std::string_view kKind = "license_label";
constexpr std::chrono::seconds kStoreLimit{30};
constexpr std::size_t kLabelBytes = 255;
constexpr std::size_t kLabelTextBytes = 4096;

vim::KeyAnyValue fact(std::string_view key, std::string_view text) {
    auto made = vim::KeyAnyValue::make();
    made.set_key(key);
    made.set_value(Value::string(text));
    return made;
}

// What the key is for, as every license says it.
std::vector<vim::KeyAnyValue> product_facts(const HostContext& context) {
    const auto about = make_about(context);
    return {fact("ProductName", about.licenseProductName().value_or("")),
            fact("ProductVersion", about.licenseProductVersion().value_or(""))};
}

std::map<std::string, std::string> labels_of(const Value& list) {
    std::map<std::string, std::string> labels;
    if (!list) return labels;
    for (const Value& each : list.elements()) {
        labels[std::string(each.property("key").as_string())] = each.property("value").as_string();
    }
    return labels;
}

}  // namespace

bool is_license_key(std::string_view text) {
    if (text.size() != LicenseManager::kKey.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (i % 6 == 5 ? c != '-' : !alphanumeric) return false;
    }
    return true;
}

Awaitable<void> LicenseManager::start() {
    const auto stored = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : stored) labels_[record.id] = record.value;
    const auto& self = references::license_manager;
    auto evaluation = vim::LicenseManagerEvaluationInfo::make();
    evaluation.set_properties(product_facts(context_));
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, property::evaluation, evaluation.raw());
    transaction.set(self, property::licensedEdition, Value::string(kEditionFeature));
    transaction.set(self, property::source, vim::EvaluationLicenseSource::make().raw());
    transaction.set(self, property::sourceAvailable, Value::boolean(true));
    std::vector<Value> features;
    for (const auto& feature : license_features()) features.push_back(feature.raw());
    transaction.set(self, property::featureInfo,
                    Value::array(TypeId::LicenseFeatureInfo, std::move(features)));
    transaction.commit();
    show();
    serve_licenses();
    serve_features();
}

void LicenseManager::show() {
    model::Transaction transaction(context_.inventory);
    transaction.set(references::license_manager, property::licenses,
                    Value::array(TypeId::LicenseManagerLicenseInfo, {own_license().raw()}));
    transaction.commit();
}

vim::LicenseManagerLicenseInfo LicenseManager::own_license() const {
    auto made = vim::LicenseManagerLicenseInfo::make();
    made.set_licenseKey(kKey);
    made.set_editionKey("eval");
    made.set_name("Evaluation Mode");
    made.set_total(0);  // that is: not counted
    made.set_costUnit("");
    std::vector<vim::KeyAnyValue> facts = product_facts(context_);
    facts.push_back(fact("count_disabled", "This license is unlimited"));
    made.set_properties(facts);
    std::vector<vim::DataHandle> labels;
    for (const auto& [key, text] : labels_) {
        labels.push_back(
            make_data(TypeId::KeyValue, {{"key", text_value(key)}, {"value", text_value(text)}}));
    }
    vim::DataHandle with_labels = made;
    if (!labels.empty()) {
        std::vector<Value> values;
        for (const auto& label : labels) values.push_back(label.raw());
        with_labels = with(made, {{"labels", Value::array(TypeId::KeyValue, std::move(values))}});
    }
    return vim::LicenseManagerLicenseInfo(with_labels.raw());
}

vim::LicenseManagerLicenseInfo LicenseManager::decode(std::string_view key) const {
    if (key == kKey) return own_license();
    auto made = vim::LicenseManagerLicenseInfo::make();
    made.set_licenseKey(key);
    made.set_editionKey("");
    made.set_name("");
    made.set_total(0);
    made.set_costUnit("");
    made.set_properties(
        {fact("diagnostic", is_license_key(key) ? "License is not valid for this product"
                                                : "License key is not well-formed")});
    return made;
}

Awaitable<void> LicenseManager::set_labels(Labels changes) {
    Labels wanted = labels_;
    store::Batch batch;
    for (const auto& [key, text] : changes) {
        if (key.empty() || key.size() > kLabelBytes) {
            throw vim::invalid_argument("labelKey", "A label has a name of 1 to 255 bytes.");
        }
        if (text.size() > kLabelTextBytes) {
            throw vim::invalid_argument("labelValue", "A label has a text of at most 4096 bytes.");
        }
        if (text.empty()) {
            wanted.erase(key);
            batch.remove(std::string(kKind), key);
            continue;
        }
        wanted[key] = text;
        store::Record record;
        record.kind = kKind;
        record.id = key;
        record.value = text;
        batch.put(std::move(record));
    }
    if (wanted.size() > kMostLabels) {
        throw vim::invalid_argument("labelKey",
                                    fmt::format("There are at most {} labels.", kMostLabels));
    }
    if (changes.empty()) co_return;
    co_await context_.runtime.blocking(
        "store", [this, batch] { context_.store.commit_and_wait(batch); }, kStoreLimit);
    for (const auto& [key, text] : changes) {
        if (text.empty()) {
            labels_.erase(key);
        } else {
            labels_[key] = text;
        }
    }
    show();
}

// A key that is not for this product is no error: the answer's properties say so.
Awaitable<Value> LicenseManager::add(std::string key, Labels labels) {
    if (key == kKey) {
        co_await set_labels(std::move(labels));
    } else {
        base::log_info("a license key was given that is not for this product");
    }
    co_return decode(key).raw();
}

void LicenseManager::serve_licenses() {
    auto& dispatcher = context_.dispatcher;
    for (const std::string_view method : {"AddLicense", "UpdateLicense"}) {
        dispatcher.add(method, [this](task::Call call) -> Awaitable<Value> {
            co_return co_await add(std::string(call.request.property("licenseKey").as_string()),
                                   labels_of(call.request.property("labels")));
        });
    }
    dispatcher.add_direct("DecodeLicense", [this](const task::Call& call) {
        return decode(call.arguments<vim::DecodeLicenseRequest>().licenseKey()).raw();
    });
    dispatcher.add_direct("RemoveLicense", [](const task::Call& call) -> Value {
        if (call.arguments<vim::RemoveLicenseRequest>().licenseKey() == kKey) {
            throw vim::invalid_argument("licenseKey", "The host's own license stays.");
        }
        return {};  // it is not here
    });
    const auto require_own = [](std::string_view key) {
        if (key == kKey) return;
        throw vim::invalid_argument("licenseKey", fmt::format("There is no license '{}'.", key));
    };
    dispatcher.add("UpdateLicenseLabel", [this, require_own](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::UpdateLicenseLabelRequest>();
        require_own(request.licenseKey());
        Labels labels;
        labels[std::string(request.labelKey())] = request.labelValue();
        co_await set_labels(std::move(labels));
        co_return Value{};
    });
    dispatcher.add("RemoveLicenseLabel", [this, require_own](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::RemoveLicenseLabelRequest>();
        require_own(request.licenseKey());
        Labels labels;
        labels[std::string(request.labelKey())] = "";
        co_await set_labels(std::move(labels));
        co_return Value{};
    });
}

vim::LicenseUsageInfo LicenseManager::usage() const {
    auto made = vim::LicenseUsageInfo::make();
    made.set_source(vim::EvaluationLicenseSource::make());
    made.set_sourceAvailable(true);
    std::vector<vim::LicenseReservationInfo> reservations;
    for (const auto& feature : license_features()) {
        auto each = vim::LicenseReservationInfo::make();
        each.set_key(feature.key());
        each.set_state(vim::LicenseReservationInfoState::licensed);
        each.set_required(cpu_packages_);
        reservations.push_back(std::move(each));
    }
    made.set_reservationInfo(reservations);
    made.set_featureInfo(license_features());
    return made;
}

void LicenseManager::serve_features() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add_direct("QueryLicenseUsage", [this](const task::Call&) { return usage().raw(); });
    dispatcher.add_direct("QuerySupportedFeatures", [](const task::Call&) {
        std::vector<Value> list;
        for (const auto& feature : license_features()) list.push_back(feature.raw());
        return Value::array(TypeId::LicenseFeatureInfo, std::move(list));
    });
    dispatcher.add_direct("QueryLicenseSourceAvailability", [this](const task::Call&) {
        std::vector<Value> list;
        for (const auto& feature : license_features()) {
            auto each = vim::LicenseAvailabilityInfo::make();
            each.set_feature(feature);
            each.set_total(INT32_MAX);
            each.set_available(INT32_MAX - cpu_packages_);
            list.push_back(each.raw());
        }
        return Value::array(TypeId::LicenseAvailabilityInfo, std::move(list));
    });
    for (const std::string_view method : {"CheckLicenseFeature", "EnableFeature"}) {
        dispatcher.add_direct(method, [](const task::Call& call) {
            require_feature(call.request.property("featureKey").as_string());
            return Value::boolean(true);
        });
    }
    dispatcher.add_direct("DisableFeature", [](const task::Call& call) -> Value {
        require_feature(call.request.property("featureKey").as_string());
        throw vim::make_fault<vim::InvalidState>("The features of this host are always on.");
    });
    dispatcher.add_direct("SetLicenseEdition", [](const task::Call& call) {
        const Value& key = call.request.property("featureKey");
        if (!key || key.as_string() != kEditionFeature) {
            throw vim::invalid_argument("featureKey",
                                        fmt::format("The only edition is '{}'.", kEditionFeature));
        }
        return Value{};
    });
    dispatcher.add_direct("ConfigureLicenseSource", [](const task::Call& call) {
        const vim::DataHandle source(call.request.property("licenseSource"));
        if (source.is<vim::EvaluationLicenseSource>()) return Value{};
        throw vim::make_fault<vim::InvalidLicense>("This host takes no licenses from elsewhere.");
    });
}

}  // namespace drover::host
