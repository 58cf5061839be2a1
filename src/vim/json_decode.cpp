#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "vim/json.hpp"
#include "vim/wire.hpp"

namespace drover::vim {
namespace {

using nlohmann::json;
using wire::Peer;
using wire::Place;

constexpr const char* kTypeName = "_typeName";
constexpr const char* kValue = "_value";

// Bounds depth and the number of values before any memory is spent on a tree.
std::optional<std::string> find_excess(std::string_view text, std::size_t max_values) {
    int depth = 0;
    std::size_t values = 1;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++values;
            // Each value inside an anyType takes two levels: the box and what it holds.
            if (++depth > 2 * wire::kMaxDepth) {
                return fmt::format("nested more than {} deep", 2 * wire::kMaxDepth);
            }
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ',') {
            ++values;
        }
        if (values > max_values) return fmt::format("more than {} values", max_values);
    }
    return std::nullopt;
}

json parse(std::string_view text, Peer peer) {
    if (const auto excess = find_excess(text, wire::max_nodes(peer))) {
        wire::refuse(peer, nullptr, fmt::format("The JSON is {}.", *excess));
    }
    try {
        return json::parse(text);
    } catch (const json::exception& error) {
        wire::refuse(peer, nullptr, fmt::format("This is no JSON: {}", error.what()));
    }
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The text of a JSON string; empty for anything else.
std::string_view text_of(const json& node) {
    return node.is_string() ? std::string_view(node.get_ref<const std::string&>())
                            : std::string_view{};
}

std::string_view member_text(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? std::string_view{} : text_of(*found);
}

std::optional<std::int64_t> integer_of(const json& node) {
    if (node.is_number_unsigned()) {
        const auto value = node.get<std::uint64_t>();
        if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
        return static_cast<std::int64_t>(value);
    }
    if (node.is_number_integer()) return node.get<std::int64_t>();
    if (!node.is_number_float()) return std::nullopt;
    // 1e3 and 5.0 are integers, too.
    const auto value = node.get<double>();
    if (value != std::trunc(value) || std::abs(value) > 9007199254740992.0) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

std::optional<double> real_of(const json& node) {
    if (node.is_number()) return node.get<double>();
    const std::string_view text = text_of(node);
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    return std::nullopt;
}

template <class Integer, class Make>
std::optional<Value> ranged(std::optional<std::int64_t> value, Make make) {
    if (!value || *value < std::numeric_limits<Integer>::min() ||
        *value > std::numeric_limits<Integer>::max()) {
        return std::nullopt;
    }
    return make(static_cast<Integer>(*value));
}

std::optional<Value> primitive(const json& node, TypeId type) {
    switch (type) {
        case TypeId::boolean:
            if (!node.is_boolean()) return std::nullopt;
            return Value::boolean(node.get<bool>());
        case TypeId::byte_:
            return ranged<std::int8_t>(integer_of(node), Value::byte_);
        case TypeId::short_:
            return ranged<std::int16_t>(integer_of(node), Value::short_);
        case TypeId::int_:
            return ranged<std::int32_t>(integer_of(node), Value::int_);
        case TypeId::long_:
            return ranged<std::int64_t>(integer_of(node), Value::long_);
        case TypeId::float_: {
            const auto value = real_of(node);
            if (!value) return std::nullopt;
            // Conversion of what a float can't hold would be undefined.
            const double limit = std::numeric_limits<float>::max();
            if (std::isfinite(*value) && std::abs(*value) > limit) return std::nullopt;
            return Value::float_(static_cast<float>(*value));
        }
        case TypeId::double_: {
            const auto value = real_of(node);
            return value ? std::optional(Value::double_(*value)) : std::nullopt;
        }
        default:
            if (!node.is_string()) return std::nullopt;
            return wire::parse_primitive(type, text_of(node));
    }
}

class Decoder {
public:
    // What came after `release` is unknown to this reader.
    explicit Decoder(Peer peer, Release release = newest_release())
        : peer_(peer), release_(release) {}

    // Recursion is bound by the depth of the text.
    Value members(const json& node, TypeId type, const Place* place);
    Value value(const json& node, TypeId declared, const Place& place);
    Value array(const json& node, TypeId declared, const Place& place);

private:
    Value any(const json& node, const Place& place);
    Value unboxed(const json& node, const Place& place);
    Value reference(const json& node, TypeId declared, const Place& place);
    Value leaf(const json& node, TypeId type, const Place& place);
    Value object(const json& node, TypeId declared, const Place& place);
    Value byte_array(std::string_view text, const Place& place);
    wire::NamedType resolve(std::string_view name) const;

    Peer peer_;
    Release release_;
};

Value Decoder::members(const json& node, TypeId type, const Place* place) {
    const auto properties = describe(type).properties();
    wire::PropertyFinder finder(type);
    Value made = make_object(type);
    for (const auto& [name, member] : node.items()) {
        const auto index = finder.find(name);
        if (!index || member.is_null()) continue;
        const PropertyDescriptor& property = properties[*index];
        if (property.since() > release_) continue;
        const Place here{place, property.name()};
        made.set_slot(*index, property.array() ? array(member, property.type(), here)
                                               : value(member, property.type(), here));
    }
    if (peer_ == Peer::client) wire::check_required(made, place);
    return made;
}

Value Decoder::byte_array(std::string_view text, const Place& place) {
    const auto bytes = wire::parse_base64(text);
    if (!bytes) wire::refuse(peer_, &place, "the text is no base64");
    std::vector<Value> elements;
    elements.reserve(bytes->size());
    for (const char c : *bytes) elements.push_back(Value::byte_(static_cast<std::int8_t>(c)));
    return Value::array(TypeId::byte_, std::move(elements));
}

Value Decoder::array(const json& node, TypeId declared, const Place& place) {
    // Some JSON libraries write an array of bytes as base64.
    if (declared == TypeId::byte_ && node.is_string()) return byte_array(text_of(node), place);
    if (!node.is_array()) wire::refuse(peer_, &place, "an array is expected");
    std::vector<Value> elements;
    elements.reserve(node.size());
    for (std::size_t i = 0; i < node.size(); ++i) {
        const Place here{place.outer, place.name, static_cast<std::ptrdiff_t>(i)};
        if (node[i].is_null()) continue;
        if (Value each = value(node[i], declared, here)) elements.push_back(std::move(each));
    }
    return Value::array(declared, std::move(elements));
}

Value Decoder::value(const json& node, TypeId declared, const Place& place) {
    if (declared == TypeId::anyType) return any(node, place);
    switch (describe(declared).kind) {
        case TypeKind::managed:
            return reference(node, declared, place);
        case TypeKind::data:
            return object(node, declared, place);
        default:
            return leaf(node, declared, place);
    }
}

wire::NamedType Decoder::resolve(std::string_view name) const {
    const auto named = wire::resolve_type_name(name);
    return describe(named.type).since() <= release_ ? named : wire::NamedType{};
}

Value Decoder::object(const json& node, TypeId declared, const Place& place) {
    if (!node.is_object()) {
        wire::refuse(peer_, &place,
                     fmt::format("an object of type {} is expected", describe(declared).name()));
    }
    const std::string_view name = member_text(node, kTypeName);
    if (name.empty()) return members(node, declared, &place);
    const auto named = resolve(name);
    if (named.type == TypeId::none) {
        if (peer_ == Peer::server) return members(node, declared, &place);
        wire::refuse_type(peer_, &place, fmt::format("'{}' is no known type", name.substr(0, 128)));
    }
    if (!named.array && describe(named.type).kind == TypeKind::data && is_a(named.type, declared)) {
        return members(node, named.type, &place);
    }
    if (peer_ == Peer::server) return {};
    wire::refuse_type(peer_, &place,
                      fmt::format("'{}' is no {}", name.substr(0, 128), describe(declared).name()));
}

Value Decoder::any(const json& node, const Place& place) {
    if (!node.is_object()) return unboxed(node, place);
    const std::string_view name = member_text(node, kTypeName);
    const auto named = resolve(name);
    if (named.type == TypeId::none) {
        if (peer_ == Peer::server) return {};
        wire::refuse_type(peer_, &place,
                          name.empty() ? "a _typeName is needed here"
                                       : fmt::format("'{}' is no known type", name.substr(0, 128)));
    }
    const TypeKind kind = describe(named.type).kind;
    if (!named.array && kind == TypeKind::data) return members(node, named.type, &place);
    if (!named.array && kind == TypeKind::managed) return reference(node, named.type, place);
    const auto content = node.find(kValue);
    if (content == node.end()) {
        wire::refuse(peer_, &place, fmt::format("a {} needs a _value", name.substr(0, 128)));
    }
    if (named.array) return array(*content, named.type, place);
    // A box in a box.
    if (named.type == TypeId::anyType) return any(*content, place);
    return leaf(*content, named.type, place);
}

// Not the interface's own form, but what it means is plain.
Value Decoder::unboxed(const json& node, const Place& place) {
    if (node.is_boolean()) return Value::boolean(node.get<bool>());
    if (node.is_string()) return Value::string(text_of(node));
    if (node.is_number_float()) return Value::double_(node.get<double>());
    if (const auto number = integer_of(node)) {
        if (auto narrow = ranged<std::int32_t>(number, Value::int_)) return *narrow;
        return Value::long_(*number);
    }
    wire::refuse_type(peer_, &place, "a value with its _typeName is expected");
}

Value Decoder::reference(const json& node, TypeId declared, const Place& place) {
    if (!node.is_object()) wire::refuse(peer_, &place, "a managed object reference is expected");
    const std::string_view id = member_text(node, "value");
    if (id.empty() || id.size() > 1024) {
        wire::refuse(peer_, &place, "a managed object reference has a value of 1 to 1024 bytes");
    }
    const std::string_view name = member_text(node, "type");
    if (name.empty()) return Value::moref(declared, id);
    TypeId type = find_type(name);
    if (type != TypeId::none && describe(type).kind != TypeKind::managed) type = TypeId::none;
    return Value::moref(type, id);
}

Value Decoder::leaf(const json& node, TypeId type, const Place& place) {
    // A box stands where none is needed.
    if (node.is_object() && node.contains(kValue)) {
        const json& content = node[kValue];
        if (!content.is_object()) return leaf(content, type, place);
    }
    if (describe(type).kind == TypeKind::enumeration && node.is_string()) {
        if (const auto index = describe(type).find_value(text_of(node))) {
            return Value::enumeration(type, *index);
        }
        wire::refuse_enumeration(peer_, &place, type, text_of(node));
        return {};
    }
    auto made = describe(type).kind == TypeKind::enumeration ? std::nullopt : primitive(node, type);
    if (!made) {
        wire::refuse(peer_, &place, fmt::format("{} is expected", describe(type).name()));
    }
    return *std::move(made);
}

}  // namespace

Value parse_json_request(const MethodDescriptor& method, std::string_view body, Release release) {
    const json node = is_blank(body) ? json::object() : parse(body, Peer::client);
    if (!node.is_object()) {
        wire::refuse(Peer::client, nullptr, "The request is no JSON object of parameters.");
    }
    const std::string_view name = member_text(node, kTypeName);
    if (!name.empty() && name != method.name() && name != describe(method.request).name()) {
        const Place place{nullptr, kTypeName};
        wire::refuse(Peer::client, &place,
                     fmt::format("'{}' is not {}", name.substr(0, 128), method.name()));
    }
    return Decoder(Peer::client, release).members(node, method.request, nullptr);
}

Value decode_json_value(std::string_view text, TypeId declared, bool array) {
    if (is_blank(text)) return {};
    const json node = parse(text, Peer::server);
    if (node.is_null()) return {};
    Decoder decoder(Peer::server);
    const Place place{};
    return array ? decoder.array(node, declared, place) : decoder.value(node, declared, place);
}

Value decode_json_response(const MethodDescriptor& method, std::string_view body) {
    if (method.result_type == TypeId::none) return {};
    return decode_json_value(body, method.result_type, method.returns_array());
}

Fault decode_json_fault(std::string_view body) {
    const json node = parse(body, Peer::server);
    if (!node.is_object()) wire::refuse(Peer::server, nullptr, "The fault is no JSON object.");
    const auto named = wire::resolve_type_name(member_text(node, kTypeName));
    const bool known = !named.array && is_a(named.type, TypeId::MethodFault);
    const Value fault =
        Decoder(Peer::server).members(node, known ? named.type : TypeId::MethodFault, nullptr);
    return Fault(MethodFault(fault), std::string(member_text(node, "faultstring")));
}

}  // namespace drover::vim
