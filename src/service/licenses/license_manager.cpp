#include "service/licenses/license_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "vim/properties.hpp"

namespace drover::service {

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

std::map<std::string, std::string> labels_of(const Value& list) {
    std::map<std::string, std::string> labels;
    if (!list) return labels;
    for (const Value& each : list.elements()) {
        labels[std::string(each.property("key").as_string())] = each.property("value").as_string();
    }
    return labels;
}

}  // namespace

vim::LicenseFeatureInfo license_feature(std::string_view key, std::string_view name,
                                        std::string_view description, bool edition) {
    auto made = vim::LicenseFeatureInfo::make();
    made.set_key(key);
    made.set_featureName(name);
    made.set_featureDescription(description);
    made.set_state(vim::LicenseFeatureInfoState::enabled);
    made.set_costUnit("cpuPackage");
    made.set_sourceRestriction("unrestricted");
    made.set_edition(edition);
    return made;
}

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

// What the key is for, as every license says it.
std::vector<vim::KeyAnyValue> LicenseManager::product_facts() const {
    return {fact("ProductName", parts_.product_name),
            fact("ProductVersion", parts_.product_version)};
}

void LicenseManager::require_feature(std::string_view key) const {
    const auto& features = parts_.features;
    if (std::ranges::find(features, key, &vim::LicenseFeatureInfo::key) != features.end()) return;
    throw vim::invalid_argument("featureKey", fmt::format("There is no feature '{}'.", key));
}

Awaitable<void> LicenseManager::start() {
    const auto stored = co_await parts_.runtime.blocking(
        "store", [this] { return parts_.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : stored) labels_[record.id] = record.value;
    const auto& self = parts_.manager;
    auto evaluation = vim::LicenseManagerEvaluationInfo::make();
    evaluation.set_properties(product_facts());
    model::Transaction transaction(parts_.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, property::evaluation, evaluation.raw());
    transaction.set(self, property::licensedEdition, Value::string(edition()));
    transaction.set(self, property::source, vim::EvaluationLicenseSource::make().raw());
    transaction.set(self, property::sourceAvailable, Value::boolean(true));
    std::vector<Value> features;
    for (const auto& feature : parts_.features) features.push_back(feature.raw());
    transaction.set(self, property::featureInfo,
                    Value::array(TypeId::LicenseFeatureInfo, std::move(features)));
    if (parts_.assignments) {
        transaction.set(self, property::licenseAssignmentManager, Value::moref(parts_.assignments));
    }
    transaction.commit();
    if (parts_.assignments) {
        serve_license_assignments(parts_.inventory, parts_.dispatcher, parts_.assignments,
                                  parts_.licensees,
                                  [this](std::string_view key) { return decode(key); });
    }
    show();
    serve_licenses();
    serve_features();
}

void LicenseManager::show() {
    model::Transaction transaction(parts_.inventory);
    transaction.set(parts_.manager, property::licenses,
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
    std::vector<vim::KeyAnyValue> facts = product_facts();
    facts.push_back(fact("count_disabled", "This license is unlimited"));
    made.set_properties(facts);
    if (labels_.empty()) return made;
    std::vector<Value> labels;
    for (const auto& [key, text] : labels_) {
        Value label = vim::make_object(TypeId::KeyValue);
        const auto& type = vim::describe(TypeId::KeyValue);
        label.set_slot(*type.find_property("key"), Value::string(key));
        label.set_slot(*type.find_property("value"), Value::string(text));
        labels.push_back(std::move(label));
    }
    Value with_labels = made.raw();
    with_labels.set_slot(*vim::describe(TypeId::LicenseManagerLicenseInfo).find_property("labels"),
                         Value::array(TypeId::KeyValue, std::move(labels)));
    return vim::LicenseManagerLicenseInfo(with_labels);
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
    co_await parts_.runtime.blocking(
        "store", [this, batch] { parts_.store.commit_and_wait(batch); }, kStoreLimit);
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
    auto& dispatcher = parts_.dispatcher;
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
            throw vim::invalid_argument("licenseKey", "The server's own license stays.");
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
    for (const auto& feature : parts_.features) {
        auto each = vim::LicenseReservationInfo::make();
        each.set_key(feature.key());
        each.set_state(vim::LicenseReservationInfoState::licensed);
        each.set_required(parts_.cpu_packages);
        reservations.push_back(std::move(each));
    }
    made.set_reservationInfo(reservations);
    made.set_featureInfo(parts_.features);
    return made;
}

void LicenseManager::serve_features() {
    auto& dispatcher = parts_.dispatcher;
    dispatcher.add_direct("QueryLicenseUsage", [this](const task::Call&) { return usage().raw(); });
    dispatcher.add_direct("QuerySupportedFeatures", [this](const task::Call&) {
        std::vector<Value> list;
        for (const auto& feature : parts_.features) list.push_back(feature.raw());
        return Value::array(TypeId::LicenseFeatureInfo, std::move(list));
    });
    dispatcher.add_direct("QueryLicenseSourceAvailability", [this](const task::Call&) {
        std::vector<Value> list;
        for (const auto& feature : parts_.features) {
            auto each = vim::LicenseAvailabilityInfo::make();
            each.set_feature(feature);
            each.set_total(INT32_MAX);
            each.set_available(INT32_MAX - parts_.cpu_packages);
            list.push_back(each.raw());
        }
        return Value::array(TypeId::LicenseAvailabilityInfo, std::move(list));
    });
    for (const std::string_view method : {"CheckLicenseFeature", "EnableFeature"}) {
        dispatcher.add_direct(method, [this](const task::Call& call) {
            require_feature(call.request.property("featureKey").as_string());
            return Value::boolean(true);
        });
    }
    dispatcher.add_direct("DisableFeature", [this](const task::Call& call) -> Value {
        require_feature(call.request.property("featureKey").as_string());
        throw vim::make_fault<vim::InvalidState>("The features of this server are always on.");
    });
    dispatcher.add_direct("SetLicenseEdition", [this](const task::Call& call) {
        const Value& key = call.request.property("featureKey");
        if (!key || key.as_string() != edition()) {
            throw vim::invalid_argument("featureKey",
                                        fmt::format("The only edition is '{}'.", edition()));
        }
        return Value{};
    });
    dispatcher.add_direct("ConfigureLicenseSource", [](const task::Call& call) {
        const vim::DataHandle source(call.request.property("licenseSource"));
        if (source.is<vim::EvaluationLicenseSource>()) return Value{};
        throw vim::make_fault<vim::InvalidLicense>("This server takes no licenses from elsewhere.");
    });
}

}  // namespace drover::service
