#include "vim/soap_decode.hpp"

#include <fmt/format.h>

#include <vector>

namespace drover::vim::soap {
namespace {

using wire::Peer;
using wire::Place;

// Counts how deep the reader is for as long as it lives.
class Depth {
public:
    Depth(int& depth, Peer peer, const Place* place) : depth_(depth) {
        if (depth >= wire::kMaxDepth) {
            // The path would be as long as the document is deep: the innermost names do.
            Place here{nullptr, place == nullptr ? "" : place->name, -1};
            wire::refuse(peer, &here,
                         fmt::format("elements are nested more than {} deep", wire::kMaxDepth));
        }
        ++depth_;
    }
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

private:
    int& depth_;
};

// The elements of array properties as they come in. They mostly stand side by side, but need not.
struct PendingArray {
    std::size_t index;
    std::vector<Value> elements;
};

PendingArray& pending(std::vector<PendingArray>& arrays, std::size_t index) {
    for (auto each = arrays.rbegin(); each != arrays.rend(); ++each) {
        if (each->index == index) return *each;
    }
    return arrays.emplace_back(PendingArray{index, {}});
}

bool is_nil(pugi::xml_node node) {
    const auto nil = xml::prefixed_attribute(node, "nil");
    return nil == "true" || nil == "1";
}

std::string_view type_attribute(pugi::xml_node node) {
    return xml::local_name(xml::prefixed_attribute(node, "type"));
}

}  // namespace

Value Decoder::members(pugi::xml_node node, TypeId type, const Place* place) {
    const Depth deeper(depth_, peer_, place);
    const auto properties = describe(type).properties();
    wire::PropertyFinder finder(type);
    Value object = make_object(type);
    std::vector<PendingArray> arrays;
    for (const auto each : node.children()) {
        if (each.type() != pugi::node_element) continue;
        const std::string_view name = xml::local_name(each);
        const auto index = finder.find(name);
        if (!index) continue;
        const PropertyDescriptor& property = properties[*index];
        if (property.since() > release_) continue;
        if (property.array()) {
            auto& elements = pending(arrays, *index).elements;
            const Place here{place, property.name(), static_cast<std::ptrdiff_t>(elements.size())};
            array_element(each, property.type(), here, elements);
        } else {
            const Place here{place, property.name()};
            if (object.slots()[*index] && peer_ == Peer::client) {
                wire::refuse(peer_, &here, "given more than once");
            }
            object.set_slot(*index, element(each, property.type(), here));
        }
    }
    for (auto& array : arrays) {
        object.set_slot(array.index,
                        Value::array(properties[array.index].type(), std::move(array.elements)));
    }
    if (peer_ == Peer::client) wire::check_required(object, place);
    return object;
}

void Decoder::array_element(pugi::xml_node node, TypeId declared, const Place& place,
                            std::vector<Value>& elements) {
    const auto named = resolve(type_attribute(node));
    if (named.array && declared != TypeId::anyType) {
        const Depth deeper(depth_, peer_, &place);
        for (const auto each : node.children()) {
            if (each.type() != pugi::node_element) continue;
            const Place here{place.outer, place.name, static_cast<std::ptrdiff_t>(elements.size())};
            if (Value value = element(each, declared, here)) elements.push_back(std::move(value));
        }
        return;
    }
    if (Value value = element(node, declared, place)) elements.push_back(std::move(value));
}

Value Decoder::element(pugi::xml_node node, TypeId declared, const Place& place) {
    if (is_nil(node)) return {};
    return declared == TypeId::anyType ? any(node, place) : typed(node, declared, place);
}

Value Decoder::typed(pugi::xml_node node, TypeId declared, const Place& place) {
    switch (describe(declared).kind) {
        case TypeKind::managed:
            return reference(node, declared, place);
        case TypeKind::data: {
            const TypeId type = object_type(node, declared, place);
            return type == TypeId::none ? Value{} : members(node, type, &place);
        }
        default:
            return leaf(node, declared, place);
    }
}

wire::NamedType Decoder::resolve(std::string_view name) const {
    const auto named = wire::resolve_type_name(name);
    return describe(named.type).since() <= release_ ? named : wire::NamedType{};
}

TypeId Decoder::object_type(pugi::xml_node node, TypeId declared, const Place& place) {
    const std::string_view name = type_attribute(node);
    if (name.empty()) return declared;
    const auto named = resolve(name);
    if (named.type == TypeId::none || named.array) {
        if (peer_ == Peer::server) return declared;
        wire::refuse_type(peer_, &place, fmt::format("'{}' is no known type", name.substr(0, 128)));
    }
    if (describe(named.type).kind == TypeKind::data && is_a(named.type, declared)) {
        return named.type;
    }
    if (peer_ == Peer::server) return TypeId::none;
    wire::refuse_type(
        peer_, &place,
        fmt::format("{} is no {}", describe(named.type).name(), describe(declared).name()));
}

Value Decoder::any(pugi::xml_node node, const Place& place) {
    const std::string_view name = type_attribute(node);
    if (name.empty() || name == "anyType" || name == "anySimpleType") {
        // Text without a type can be nothing but a string.
        if (!xml::has_elements(node)) return leaf(node, TypeId::string, place);
        if (peer_ == Peer::server) return {};
        wire::refuse_type(peer_, &place, "an xsi:type is needed here");
    }
    const auto named = resolve(name);
    if (named.type == TypeId::none) {
        if (peer_ == Peer::server) return {};
        wire::refuse_type(peer_, &place, fmt::format("'{}' is no known type", name.substr(0, 128)));
    }
    if (named.array) return wrapped_array(node, named.type, place);
    switch (describe(named.type).kind) {
        case TypeKind::managed:
            return reference(node, named.type, place);
        case TypeKind::data:
            return members(node, named.type, &place);
        default:
            return leaf(node, named.type, place);
    }
}

Value Decoder::wrapped_array(pugi::xml_node node, TypeId element_type, const Place& place) {
    const Depth deeper(depth_, peer_, &place);
    std::vector<Value> elements;
    for (const auto each : node.children()) {
        if (each.type() != pugi::node_element) continue;
        const Place here{place.outer, place.name, static_cast<std::ptrdiff_t>(elements.size())};
        if (Value value = element(each, element_type, here)) elements.push_back(std::move(value));
    }
    return Value::array(element_type, std::move(elements));
}

Value Decoder::reference(pugi::xml_node node, TypeId declared, const Place& place) {
    std::string storage;
    const std::string_view id = xml::text_of(node, storage);
    if (id.empty() || id.size() > 1024) {
        wire::refuse(peer_, &place, "a managed object reference has 1 to 1024 bytes");
    }
    const std::string_view name = xml::local_name(std::string_view(node.attribute("type").value()));
    if (name.empty()) return Value::moref(declared, id);
    TypeId type = find_type(name);
    if (type != TypeId::none && describe(type).kind != TypeKind::managed) type = TypeId::none;
    return Value::moref(type, id);
}

Value Decoder::leaf(pugi::xml_node node, TypeId type, const Place& place) {
    if (xml::has_elements(node)) {
        wire::refuse(peer_, &place,
                     fmt::format("elements stand where {} is expected", describe(type).name()));
    }
    std::string storage;
    std::string_view text = xml::text_of(node, storage);
    if (describe(type).kind == TypeKind::enumeration) {
        while (!text.empty() && text.front() <= ' ') text.remove_prefix(1);
        while (!text.empty() && text.back() <= ' ') text.remove_suffix(1);
        if (const auto index = describe(type).find_value(text)) {
            return Value::enumeration(type, *index);
        }
        wire::refuse_enumeration(peer_, &place, type, text);
        return {};
    }
    auto value = wire::parse_primitive(type, text);
    if (!value) {
        wire::refuse(peer_, &place,
                     fmt::format("'{}' is no {}", text.substr(0, 128), describe(type).name()));
    }
    return *std::move(value);
}

}  // namespace drover::vim::soap
