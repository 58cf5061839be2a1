#include "service/audit/audited_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace drover::service {

using Json = nlohmann::ordered_json;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostTextBytes = 200;
constexpr std::size_t kMostElements = 16;
constexpr int kMostDepth = 2;

constexpr auto kReading = std::to_array<std::string_view>(
    {"Query",     "query",    "Retrieve", "List",         "Find",      "Search",
     "Browse",    "Check",    "Estimate", "Validate",     "Has",       "Fetch",
     "Wait",      "Read",     "Lookup",   "Compute",      "Get",       "get",
     "Is",        "Are",      "Convert",  "Parse",        "Download",  "Describe",
     "Recommend", "Continue", "Refresh",  "HostRetrieve", "HostQuery", "HostList"});

// What a session makes for itself in order to read, and gives back.
constexpr auto kOfReaders =
    std::to_array<std::string_view>({"CreateFilter",
                                     "DestroyPropertyFilter",
                                     "CreatePropertyCollector",
                                     "DestroyPropertyCollector",
                                     "CancelRetrievePropertiesEx",
                                     "CancelWaitForUpdates",
                                     "CreateContainerView",
                                     "CreateInventoryView",
                                     "CreateListView",
                                     "CreateListViewFromView",
                                     "DestroyView",
                                     "ModifyListView",
                                     "ResetListView",
                                     "ResetListViewFromView",
                                     "OpenInventoryViewFolder",
                                     "CloseInventoryViewFolder",
                                     "CreateCollectorForEvents",
                                     "CreateCollectorForTasks",
                                     "CreateCollectorWithInfoFilterForTasks",
                                     "DestroyCollector",
                                     "ResetCollector",
                                     "RewindCollector",
                                     "SetCollectorPageSize",
                                     "CurrentTime",
                                     "SetLocale",
                                     "HttpNfcLeaseProgress",
                                     "SessionIsActive",
                                     "CanProvisionObjects"});

bool starts_with_any(std::string_view name, auto& words) {
    return std::ranges::any_of(words,
                               [&](std::string_view word) { return name.starts_with(word); });
}

Json parameters_of(const Value& object, int depth);

// Null: nothing to tell.
Json told(const Value& value, int depth) {
    switch (value.kind()) {
        case ValueKind::boolean:
            return value.as_boolean();
        case ValueKind::float_:
        case ValueKind::double_:
            return value.as_double();
        case ValueKind::string: {
            const auto text = value.as_string();
            return std::string(text.substr(0, kMostTextBytes)) +
                   (text.size() > kMostTextBytes ? "..." : "");
        }
        case ValueKind::enumeration:
            return value.as_string();
        case ValueKind::moref:
            return fmt::format("{}:{}", vim::describe(value.moref_type()).name(), value.moref_id());
        case ValueKind::object:
            return depth < kMostDepth ? parameters_of(value, depth + 1) : Json();
        case ValueKind::array: {
            if (depth >= kMostDepth) return value.elements().size();
            Json list = Json::array();
            for (const Value& each : value.elements()) {
                if (list.size() == kMostElements) break;
                list.push_back(told(each, depth));
            }
            return list;
        }
        case ValueKind::none:
        case ValueKind::binary:
        case ValueKind::date_time:
            return {};
        default:
            return value.as_integer();
    }
}

Json parameters_of(const Value& object, int depth) {
    Json made = Json::object();
    const bool is_option = vim::is_a(object.type(), TypeId::OptionValue);
    const auto properties = vim::describe(object.type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const Value& value = object.slots()[i];
        if (!value || properties[i].secret()) continue;
        if (is_option && properties[i].name() != "key") continue;
        Json text = told(value, depth);
        if (!text.is_null()) made[std::string(properties[i].name())] = std::move(text);
    }
    return made;
}

}  // namespace

bool is_audited(const vim::MethodDescriptor& method) {
    const auto name = method.name();
    return !starts_with_any(name, kReading) &&
           std::ranges::find(kOfReaders, name) == kOfReaders.end();
}

Json audited_parameters(const Value& request) {
    if (request.kind() != ValueKind::object) return Json::object();
    return parameters_of(request, 0);
}

}  // namespace drover::service
