#include "vim/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "base/check.hpp"
#include "vim/fault.hpp"

namespace drover::vim::wire {
namespace {

constexpr std::string_view kArrayOf = "ArrayOf";

struct Alias {
    std::string_view name;
    TypeId type;
};

// Names that stand on the wire for one of our primitives. Method and type names and property paths
// are strings; the unsigned and unbounded numbers come from generic SOAP libraries.
constexpr std::array kAliases{
    Alias{"base64Binary", TypeId::binary},
    Alias{"Base64Binary", TypeId::binary},
    Alias{"ManagedObjectReference", TypeId::ManagedObject},
    Alias{"MethodName", TypeId::string},
    Alias{"PropertyPath", TypeId::string},
    Alias{"TypeName", TypeId::string},
    Alias{"anyURI", TypeId::string},
    Alias{"URI", TypeId::string},
    Alias{"normalizedString", TypeId::string},
    Alias{"token", TypeId::string},
    Alias{"decimal", TypeId::double_},
    Alias{"integer", TypeId::long_},
    Alias{"unsignedByte", TypeId::short_},
    Alias{"unsignedInt", TypeId::long_},
    Alias{"unsignedShort", TypeId::int_},
};

TypeId resolve_single(std::string_view name) {
    const auto alias = std::ranges::find(kAliases, name, &Alias::name);
    if (alias != kAliases.end()) return alias->type;
    const TypeId found = find_type(name);
    if (found == TypeId::none) return found;
    switch (describe(found).kind) {
        case TypeKind::managed:
            return TypeId::ManagedObject;
        case TypeKind::request:
            return TypeId::none;
        default:
            return found;
    }
}

// True for types of which some object has a required property of type anyType.
bool has_required_any(TypeId type) {
    static const auto flags = [] {
        std::vector<bool> found(all_types().size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            found[i] = std::ranges::any_of(all_types()[i].properties(), [](const auto& property) {
                return property.type() == TypeId::anyType && !property.optional() &&
                       !property.array();
            });
        }
        return found;
    }();
    return flags[static_cast<std::size_t>(type)];
}

std::string message_at(const Place* place, std::string_view reason) {
    const std::string path = to_path(place);
    return path.empty() ? std::string(reason) : fmt::format("{}: {}", path, reason);
}

[[noreturn]] void throw_system_error(const std::string& message) {
    auto fault = SystemError::make();
    fault.set_reason(message);
    throw Fault(fault, message);
}

}  // namespace

std::string_view primitive_name(TypeId type, Encoding encoding) {
    if (type == TypeId::binary && encoding == Encoding::soap) return "base64Binary";
    return describe(type).name();
}

void put_array_name(Buffer& out, TypeId element, Encoding encoding) {
    out.put(kArrayOf);
    const TypeDescriptor& descriptor = describe(element);
    if (descriptor.kind == TypeKind::managed) {
        out.put("ManagedObjectReference");
    } else if (descriptor.kind == TypeKind::primitive) {
        const std::string_view name = primitive_name(element, encoding);
        out.put(static_cast<char>(std::toupper(static_cast<unsigned char>(name.front()))));
        out.put(name.substr(1));
    } else {
        out.put(descriptor.name());
    }
}

NamedType resolve_type_name(std::string_view name) {
    if (const TypeId single = resolve_single(name); single != TypeId::none) return {single, false};
    if (!name.starts_with(kArrayOf) || name.size() > 200) return {};
    name.remove_prefix(kArrayOf.size());
    if (name.empty()) return {};
    if (const TypeId element = resolve_single(name); element != TypeId::none) {
        return {element, true};
    }
    std::string primitive(name);
    primitive.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(name.front())));
    const TypeId element = resolve_single(primitive);
    if (element == TypeId::none || describe(element).kind != TypeKind::primitive) return {};
    return {element, true};
}

bool is_known(const Value& value, TypeId declared, Release release) {
    switch (value.kind()) {
        case ValueKind::none:
            return false;
        case ValueKind::enumeration: {
            if (declared == TypeId::string) return true;
            const TypeDescriptor& type = describe(value.type());
            return type.since() <= release &&
                   type.value_since(static_cast<std::uint16_t>(value.as_integer())) <= release;
        }
        case ValueKind::object:
            if (declared != TypeId::anyType && describe(declared).since() > release) return false;
            return downgrade(value.type(), release) != TypeId::none;
        case ValueKind::array:
            return known_element(value.type(), release) != TypeId::none;
        default:
            return true;
    }
}

TypeId known_element(TypeId element, Release release) {
    switch (describe(element).kind) {
        case TypeKind::enumeration:
            return describe(element).since() <= release ? element : TypeId::none;
        case TypeKind::data:
            return downgrade(element, release);
        default:
            return element;
    }
}

bool is_usable(const Value& value, TypeId declared, Release release) {
    if (!is_known(value, declared, release)) return false;
    if (value.kind() != ValueKind::object || !has_required_any(value.type())) return true;
    const auto properties = describe(downgrade(value.type(), release)).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const PropertyDescriptor& property = properties[i];
        const Value& slot = value.slots()[i];
        if (property.type() == TypeId::anyType && !property.optional() && !property.array() &&
            slot && !is_known(slot, TypeId::anyType, release)) {
            return false;
        }
    }
    return true;
}

void check_fits(const Value& value, TypeId declared) {
    if (declared == TypeId::anyType) return;
    const TypeId type = value.type();
    if (type == declared && value.kind() != ValueKind::array) return;
    switch (value.kind()) {
        case ValueKind::object:
            DROVER_CHECK(is_a(type, declared));
            return;
        case ValueKind::moref:
            DROVER_CHECK(describe(declared).kind == TypeKind::managed);
            return;
        case ValueKind::enumeration:
            DROVER_CHECK(declared == TypeId::string);
            return;
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
            // A narrower integer reads as a wider one.
            DROVER_CHECK(declared > type && declared <= TypeId::long_);
            return;
        case ValueKind::float_:
            DROVER_CHECK(declared == TypeId::double_);
            return;
        default:
            DROVER_CHECK(type == declared && value.kind() != ValueKind::array);
    }
}

std::string to_path(const Place* place) {
    std::vector<const Place*> chain;
    for (; place != nullptr; place = place->outer) chain.push_back(place);
    std::string path;
    for (const Place* step : chain) {
        std::string text(step->name.substr(0, 128));
        if (step->index >= 0) text += fmt::format("[{}]", step->index);
        if (!path.empty() && !text.empty() && path.front() != '[') text += '.';
        path.insert(0, text);
    }
    return path;
}

void refuse(Peer peer, const Place* place, std::string_view reason) {
    const std::string message = message_at(place, reason);
    if (peer == Peer::server) throw_system_error(message);
    throw make_fault<InvalidRequest>(message);
}

void refuse_type(Peer peer, const Place* place, std::string_view reason) {
    const std::string message = message_at(place, reason);
    if (peer == Peer::server) throw_system_error(message);
    auto fault = InvalidType::make();
    fault.set_argument(to_path(place));
    throw Fault(fault, message);
}

void refuse_enumeration(Peer peer, const Place* place, TypeId type, std::string_view value) {
    if (peer == Peer::server) return;
    const std::string reason =
        fmt::format("'{}' is no value of {}", value.substr(0, 128), describe(type).name());
    throw invalid_argument(to_path(place), message_at(place, reason));
}

void check_required(const Value& object, const Place* place) {
    const TypeDescriptor& type = describe(object.type());
    const auto properties = type.properties();
    const auto slots = object.slots();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const PropertyDescriptor& property = properties[i];
        if (slots[i] || property.optional() || property.array() ||
            property.since() > type.since()) {
            continue;
        }
        const Place missing{place, property.name()};
        refuse(Peer::client, &missing,
               type.kind == TypeKind::request
                   ? "this required parameter is missing"
                   : fmt::format("this required property of {} is missing", type.name()));
    }
}

std::optional<std::size_t> PropertyFinder::find(std::string_view name) {
    for (std::size_t tried = 0; tried < properties_.size(); ++tried) {
        const std::size_t index =
            next_ + tried < properties_.size() ? next_ + tried : next_ + tried - properties_.size();
        if (properties_[index].name() != name) continue;
        next_ = index + 1 == properties_.size() ? 0 : index + 1;
        return index;
    }
    return std::nullopt;
}

}  // namespace drover::vim::wire
