#include "rootd/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <sstream>

#include "network/bridge/bridge_control.hpp"

namespace drover::rootd {
namespace {

using Failure = std::unexpected<std::string>;

constexpr std::size_t kMaxPathBytes = 4095;
constexpr std::size_t kMaxComponentBytes = 255;
constexpr std::size_t kMaxGroupBytes = 32;

// Empty if the path is fine.
std::string path_fault(std::string_view path) {
    if (path.size() > kMaxPathBytes) return "is too long";
    if (!path.starts_with('/')) return "is not absolute";
    if (path.size() == 1) return "is the root directory";
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const auto component = rest.substr(0, rest.find('/'));
        if (component.empty()) return "has an empty component";
        if (component == "." || component == "..") return "has a '.' or '..' component";
        if (component.size() > kMaxComponentBytes) return "has a component that is too long";
        rest.remove_prefix(component.size());
    }
    return {};
}

bool valid_group(std::string_view group) {
    if (group.empty() || group.size() > kMaxGroupBytes || group.starts_with('-')) return false;
    return std::ranges::all_of(group, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

// Takes the fields out one by one; what is left at the end is unknown.
class Fields {
public:
    explicit Fields(Message message) : message_(std::move(message)) {}

    std::string take(const std::string& name) {
        auto value = take_optional(name);
        if (!value) fail(fmt::format("field '{}' is missing", name));
        return value.value_or("");
    }
    std::optional<std::string> take_optional(const std::string& name) {
        auto node = message_.extract(name);
        if (node.empty()) return std::nullopt;
        return std::move(node.mapped());
    }
    std::filesystem::path take_path(const std::string& name) {
        std::string path = take(name);
        if (const auto fault = path_fault(path); !fault.empty()) {
            fail(fmt::format("field '{}' {}", name, fault));
        }
        return path;
    }
    std::string take_group(const std::string& name) {
        std::string group = take(name);
        if (!valid_group(group)) fail(fmt::format("field '{}' is not a group name", name));
        return group;
    }
    std::string take_interface(const std::string& name) {
        return checked_interface(name, take(name));
    }
    std::optional<std::string> take_optional_interface(const std::string& name) {
        auto value = take_optional(name);
        if (value) checked_interface(name, *value);
        return value;
    }
    /// One of these words.
    std::string take_word(const std::string& name, std::initializer_list<std::string_view> words) {
        std::string value = take(name);
        if (std::ranges::find(words, value) == words.end()) {
            fail(fmt::format("field '{}' is none of: {}", name, fmt::join(words, ", ")));
        }
        return value;
    }
    /// 1 to 255 letters, digits and `others`; it neither begins with a '-' nor has a "..".
    std::string take_name(const std::string& name, std::string_view others) {
        std::string value = take(name);
        if (!valid_name(value, others)) fail(fmt::format("field '{}' is not a name", name));
        return value;
    }
    std::int64_t take_number(const std::string& name) {
        const std::string value = take(name);
        std::int64_t number = -1;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc{} || end != value.data() + value.size() || number < 0) {
            fail(fmt::format("field '{}' is not a number", name));
        }
        return number;
    }
    /// Names with spaces between them; none is possible.
    std::vector<std::string> take_names(const std::string& name, std::string_view others) {
        constexpr std::size_t most = 10;
        std::vector<std::string> names;
        std::istringstream words(take(name));
        for (std::string word; words >> word;) {
            if (!valid_name(word, others)) fail(fmt::format("field '{}' has no names", name));
            names.push_back(std::move(word));
        }
        if (names.size() > most) fail(fmt::format("field '{}' has too many names", name));
        return names;
    }
    /// The first fault, if any.
    std::string fault() const {
        if (!fault_.empty() || message_.empty()) return fault_;
        return fmt::format("field '{}' is unknown", message_.begin()->first);
    }

private:
    static bool valid_name(std::string_view text, std::string_view others) {
        if (text.empty() || text.size() > 255 || text.starts_with('-') || text.starts_with('/') ||
            text.find("..") != std::string_view::npos) {
            return false;
        }
        return std::ranges::all_of(text, [others](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   others.find(c) != std::string_view::npos;
        });
    }
    std::string checked_interface(const std::string& name, std::string value) {
        if (!network::valid_interface_name(value)) {
            fail(fmt::format("field '{}' is not an interface name", name));
        }
        return value;
    }
    void fail(std::string reason) {
        if (fault_.empty()) fault_ = std::move(reason);
    }

    Message message_;
    std::string fault_;
};

struct Operation {
    std::string_view name;
    Request (*read)(Fields&);
};

constexpr std::array kOperations{
    Operation{"prepare_datastore",
              [](Fields& fields) -> Request {
                  auto path = fields.take_path("path");
                  return PrepareDatastore{std::move(path), fields.take_group("group")};
              }},
    Operation{"reclaim",
              [](Fields& fields) -> Request { return Reclaim{fields.take_path("path")}; }},
    Operation{"ensure_bridge",
              [](Fields& fields) -> Request {
                  auto name = fields.take_interface("name");
                  return EnsureBridge{std::move(name), fields.take_optional_interface("uplink")};
              }},
    Operation{
        "remove_bridge",
        [](Fields& fields) -> Request { return RemoveBridge{fields.take_interface("name")}; }},
    Operation{"system_identity", [](Fields&) -> Request { return SystemIdentityRequest{}; }},
    Operation{"version", [](Fields&) -> Request { return VersionRequest{}; }},
    Operation{"list_services", [](Fields&) -> Request { return ListServices{}; }},
    Operation{"control_service",
              [](Fields& fields) -> Request {
                  auto unit = fields.take_name("unit", "@._-");
                  return ControlService{std::move(unit),
                                        fields.take_word("action", {"start", "stop", "restart",
                                                                    "enable", "disable"})};
              }},
    Operation{
        "set_time_zone",
        [](Fields& fields) -> Request { return SetTimeZone{fields.take_name("zone", "/_+-")}; }},
    Operation{
        "set_clock",
        [](Fields& fields) -> Request { return SetClock{fields.take_number("since_1970_us")}; }},
    Operation{"set_time_servers",
              [](Fields& fields) -> Request {
                  return SetTimeServers{fields.take_names("servers", ".:-_")};
              }},
    Operation{"power_computer",
              [](Fields& fields) -> Request {
                  return PowerComputer{fields.take_word("action", {"off", "reboot"})};
              }},
};

struct ToMessage {
    Message operator()(const PrepareDatastore& request) const {
        return {{"operation", "prepare_datastore"},
                {"path", request.path.string()},
                {"group", request.group}};
    }
    Message operator()(const Reclaim& request) const {
        return {{"operation", "reclaim"}, {"path", request.path.string()}};
    }
    Message operator()(const EnsureBridge& request) const {
        Message message{{"operation", "ensure_bridge"}, {"name", request.name}};
        if (request.uplink) message["uplink"] = *request.uplink;
        return message;
    }
    Message operator()(const RemoveBridge& request) const {
        return {{"operation", "remove_bridge"}, {"name", request.name}};
    }
    Message operator()(const SystemIdentityRequest&) const {
        return {{"operation", "system_identity"}};
    }
    Message operator()(const VersionRequest&) const { return {{"operation", "version"}}; }
    Message operator()(const ListServices&) const { return {{"operation", "list_services"}}; }
    Message operator()(const ControlService& request) const {
        return {
            {"operation", "control_service"}, {"unit", request.unit}, {"action", request.action}};
    }
    Message operator()(const SetTimeZone& request) const {
        return {{"operation", "set_time_zone"}, {"zone", request.zone}};
    }
    Message operator()(const SetClock& request) const {
        return {{"operation", "set_clock"},
                {"since_1970_us", std::to_string(request.since_1970_us)}};
    }
    Message operator()(const SetTimeServers& request) const {
        return {{"operation", "set_time_servers"},
                {"servers", fmt::format("{}", fmt::join(request.servers, " "))}};
    }
    Message operator()(const PowerComputer& request) const {
        return {{"operation", "power_computer"}, {"action", request.action}};
    }
};

}  // namespace

std::expected<Request, std::string> parse_request(std::string_view text) {
    auto message = parse_message(text);
    if (!message) return Failure(std::move(message.error()));
    Fields fields(std::move(*message));
    const std::string name = fields.take("operation");
    const auto operation = std::ranges::find(kOperations, name, &Operation::name);
    if (operation == kOperations.end()) {
        const std::string missing = name.empty() ? fields.fault() : "";
        return Failure(missing.starts_with("field 'operation'") ? missing : "operation is unknown");
    }
    Request request = operation->read(fields);
    if (auto fault = fields.fault(); !fault.empty()) return Failure(std::move(fault));
    return request;
}

Message to_message(const Request& request) {
    return std::visit(ToMessage{}, request);
}

}  // namespace drover::rootd
