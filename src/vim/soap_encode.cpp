#include "vim/soap_encode.hpp"

#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "vim/xml_text.hpp"

namespace drover::vim::soap {

/// A property of a data object, ready to be written.
struct MemberTags {
    std::string tags;            // "<name></name>"
    std::size_t start_size = 0;  // of "<name>"
    TypeId type{};
    Release since{};
    bool array = false;

    std::string_view start() const { return std::string_view(tags).substr(0, start_size); }
    std::string_view end() const { return std::string_view(tags).substr(start_size); }
    std::string_view name() const { return start().substr(1, start_size - 2); }
};

namespace {

using Members = std::vector<MemberTags>;

Members make_members(TypeId type) {
    Members made;
    for (const PropertyDescriptor& property : describe(type).properties()) {
        const std::string name(property.name());
        made.push_back({"<" + name + "></" + name + ">", name.size() + 2, property.type(),
                        property.since(), property.array()});
    }
    return made;
}

// Made when a type is written for the first time, and kept: a few hundred types are ever written.
const Members& members_of(TypeId type) {
    static std::vector<std::atomic<const Members*>> known(all_types().size());
    auto& slot = known[static_cast<std::size_t>(type)];
    if (const Members* found = slot.load(std::memory_order_acquire)) return *found;
    auto made = std::make_unique<const Members>(make_members(type));
    const Members* expected = nullptr;
    if (!slot.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
        return *expected;  // another thread was quicker
    }
    return *made.release();
}

void put_number(wire::Buffer& out, double value, bool is_float) {
    if (std::isnan(value)) {
        out.put("NaN");
    } else if (std::isinf(value)) {
        out.put(value < 0 ? "-INF" : "INF");
    } else {
        wire::put_real(out, value, is_float);
    }
}

// The name of an element inside ArrayOf*: that of its type.
std::string_view element_name(TypeId element) {
    const TypeDescriptor& type = describe(element);
    if (type.kind == TypeKind::managed) return "ManagedObjectReference";
    if (type.kind == TypeKind::primitive) {
        return wire::primitive_name(element, wire::Encoding::soap);
    }
    return type.name();
}

}  // namespace

void Encoder::start(std::string_view name) {
    char* at = out_.reserve(name.size() + 1);
    *at = '<';
    std::memcpy(at + 1, name.data(), name.size());
    out_.advance(at + 1 + name.size());
}

void Encoder::end(std::string_view name) {
    char* at = out_.reserve(name.size() + 3);
    at[0] = '<';
    at[1] = '/';
    std::memcpy(at + 2, name.data(), name.size());
    at[name.size() + 2] = '>';
    out_.advance(at + 3 + name.size());
}

void Encoder::xsi_type(std::string_view prefix, std::string_view type) {
    out_.put(" xsi:type=\"");
    out_.put(prefix);
    out_.put(type);
    out_.put('"');
}

void Encoder::members(const Value& object, TypeId type) {
    const Members& members = members_of(type);
    const auto slots = object.slots();
    DROVER_CHECK(members.size() <= slots.size());
    for (const Value& slot : slots) slot.prefetch();
    for (std::size_t i = 0; i < members.size(); ++i) {
        const MemberTags& member = members[i];
        if (!slots[i] || member.since > release_ || plain_leaf(member, slots[i])) continue;
        property(member.name(), member.type, member.array, slots[i]);
    }
}

// Most of every answer: a primitive of just the declared type. Whether it was one.
bool Encoder::plain_leaf(const MemberTags& tags, const Value& value) {
    constexpr std::size_t most_leaf = 32;  // of those without a length of their own
    if (tags.array) return false;
    switch (value.kind()) {
        case ValueKind::string:
            if (tags.type != TypeId::string) return false;
            out_.put(tags.start());
            xml::put_text(out_, value.as_string());
            break;
        case ValueKind::boolean:
            if (tags.type != TypeId::boolean) return false;
            out_.reserve(tags.tags.size() + most_leaf);
            out_.put(tags.start());
            out_.put(value.as_boolean() ? std::string_view("true") : std::string_view("false"));
            break;
        case ValueKind::int_:
        case ValueKind::long_:
            if (tags.type != (value.kind() == ValueKind::int_ ? TypeId::int_ : TypeId::long_)) {
                return false;
            }
            out_.reserve(tags.tags.size() + most_leaf);
            out_.put(tags.start());
            wire::put_integer(out_, value.as_integer());
            break;
        default:
            return false;
    }
    out_.put(tags.end());
    return true;
}

void Encoder::property(std::string_view name, TypeId declared, bool array, const Value& value) {
    if (!value) return;
    if (!array) {
        element(name, declared, value);
        return;
    }
    DROVER_CHECK(value.kind() == ValueKind::array);
    for (const Value& each : value.elements()) {
        if (wire::is_usable(each, declared, release_)) element(name, declared, each);
    }
}

void Encoder::element(std::string_view name, TypeId declared, const Value& value) {
    if (!wire::is_known(value, declared, release_)) return;
    wire::check_fits(value, declared);
    if (value.kind() == ValueKind::array) {
        typed_array(name, value);
    } else {
        single(name, declared, value, declared == TypeId::anyType);
    }
}

void Encoder::typed_array(std::string_view name, const Value& value) {
    const TypeId element = wire::known_element(value.type(), release_);
    start(name);
    out_.put(" xsi:type=\"");
    wire::put_array_name(out_, element, wire::Encoding::soap);
    out_.put("\">");
    const std::string_view each_name = element_name(element);
    for (const Value& each : value.elements()) {
        if (!wire::is_usable(each, element, release_)) continue;
        wire::check_fits(each, value.type());
        if (each.kind() == ValueKind::array) {
            typed_array(each_name, each);  // of an ArrayOfAnyType
        } else {
            single(each_name, element, each, true);
        }
    }
    end(name);
}

void Encoder::single(std::string_view name, TypeId declared, const Value& value, bool typed) {
    switch (value.kind()) {
        case ValueKind::object:
            object(name, declared, value, typed);
            return;
        case ValueKind::moref:
            reference(name, value.moref_type(), value.moref_id(), typed);
            return;
        default:
            break;
    }
    start(name);
    if (typed && value.kind() == ValueKind::enumeration && declared != TypeId::string) {
        xsi_type("", describe(value.type()).name());
    } else if (typed) {
        // An enumeration's value may stand in an array of strings.
        const bool text = value.kind() == ValueKind::enumeration;
        xsi_type("xsd:",
                 text ? "string" : wire::primitive_name(value.type(), wire::Encoding::soap));
    }
    out_.put('>');
    leaf(value);
    end(name);
}

void Encoder::object(std::string_view name, TypeId declared, const Value& value, bool typed) {
    const TypeId type = downgrade(value.type(), release_);
    start(name);
    if (typed || type != declared) xsi_type("", describe(type).name());
    out_.put('>');
    members(value, type);
    end(name);
}

void Encoder::reference(std::string_view name, TypeId type, std::string_view id, bool typed) {
    // A reference that was read with an unknown type is one to some managed object.
    TypeId known = downgrade(type, release_);
    if (known == TypeId::none) known = TypeId::ManagedObject;
    start(name);
    if (typed) xsi_type("", "ManagedObjectReference");
    out_.put(" type=\"");
    out_.put(describe(known).name());
    out_.put("\">");
    xml::put_text(out_, id);
    end(name);
}

void Encoder::leaf(const Value& value) {
    switch (value.kind()) {
        case ValueKind::boolean:
            out_.put(value.as_boolean() ? std::string_view("true") : std::string_view("false"));
            return;
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            wire::put_integer(out_, value.as_integer());
            return;
        case ValueKind::float_:
        case ValueKind::double_:
            put_number(out_, value.as_double(), value.kind() == ValueKind::float_);
            return;
        case ValueKind::string:
            xml::put_text(out_, value.as_string());
            return;
        case ValueKind::enumeration:
            out_.put(value.as_string());
            return;
        case ValueKind::date_time:
            wire::put_time(out_, value.as_time());
            return;
        case ValueKind::binary:
            wire::put_base64(out_, value.as_string());
            return;
        default:
            DROVER_CHECK(value.kind() < ValueKind::moref);
    }
}

}  // namespace drover::vim::soap
