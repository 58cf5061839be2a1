// Part of the tests only, hence the name; it has no test of its own.

#include "vim/random_value.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace drover::vim {
namespace {

std::vector<TypeId> types_that(auto predicate) {
    std::vector<TypeId> found;
    for (std::size_t i = 0; i < all_types().size(); ++i) {
        if (predicate(TypeId{static_cast<std::uint16_t>(i)})) {
            found.push_back(TypeId{static_cast<std::uint16_t>(i)});
        }
    }
    return found;
}

}  // namespace

const RandomValues::Limits RandomValues::kNone{};

TypeId RandomValues::any_type(TypeKind kind) {
    static const auto by_kind = [] {
        std::array<std::vector<TypeId>, 5> lists;
        for (std::size_t kind_index = 0; kind_index < lists.size(); ++kind_index) {
            lists[kind_index] = types_that([&](TypeId type) {
                return static_cast<std::size_t>(describe(type).kind) == kind_index;
            });
        }
        return lists;
    }();
    const auto& list = by_kind[static_cast<std::size_t>(kind)];
    TypeId found = list[number(list.size())];
    while (limits_.avoid.contains(found)) found = list[number(list.size())];
    return found;
}

TypeId RandomValues::derived(TypeId base) {
    static thread_local std::map<TypeId, std::vector<TypeId>> cache;
    auto& list = cache[base];
    if (list.empty()) list = types_that([&](TypeId type) { return is_a(type, base); });
    const TypeId found = list[number(list.size())];
    return limits_.avoid.contains(found) ? base : found;
}

std::string RandomValues::text() {
    constexpr std::array<std::string_view, 4> names{"Task", "Folder", "HostSystem", "Datacenter"};
    if (limits_.names_only) return std::string(names[number(names.size())]);
    constexpr std::array<std::string_view, 20> pieces{"a",     "Z",
                                                      "0",     " ",
                                                      "\n",    "\t",
                                                      "\r",    "<",
                                                      "&",     ">",
                                                      "\"",    "'",
                                                      "\\",    "/",
                                                      "]]>",   "\xC3\xA4",
                                                      "&amp;", "\xE2\x82\xAC",
                                                      "%20",   "\xF0\x9F\x98\x80"};
    std::string made;
    for (std::size_t left = number(12); left > 0; --left) made += pieces[number(pieces.size())];
    return made;
}

Value RandomValues::primitive(TypeId type) {
    const auto bits = random_();
    switch (type) {
        case TypeId::boolean:
            return Value::boolean((bits & 1U) != 0);
        case TypeId::byte_:
            return Value::byte_(static_cast<std::int8_t>(bits));
        case TypeId::short_:
            return Value::short_(static_cast<std::int16_t>(bits));
        case TypeId::int_:
            return Value::int_(static_cast<std::int32_t>(bits));
        case TypeId::long_:
            return Value::long_(static_cast<std::int64_t>(bits));
        case TypeId::float_: {
            const float number = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
            return Value::float_(std::isnan(number) ? 0.5F : number);
        }
        case TypeId::double_: {
            const double number = std::bit_cast<double>(bits);
            return Value::double_(std::isnan(number) ? 0.1 : number);
        }
        case TypeId::dateTime:
            // 1970 to 2200
            return Value::date_time(base::WallTime{std::chrono::microseconds{
                static_cast<std::int64_t>(bits % 7'258'118'400'000'000U)}});
        case TypeId::binary: {
            std::string bytes;
            for (std::size_t left = number(20); left > 0; --left) {
                bytes += static_cast<char>(random_());
            }
            return Value::binary(bytes);
        }
        default:
            return Value::string(text());
    }
}

Value RandomValues::any(int depth) {
    switch (number(depth > 0 ? 6 : 4)) {
        case 0:
            return value(any_type(TypeKind::enumeration), depth);
        case 1:
            return value(any_type(TypeKind::managed), depth);
        case 4:
            return object(any_type(TypeKind::data), depth - 1);
        case 5: {
            constexpr std::array kinds{TypeKind::primitive, TypeKind::enumeration, TypeKind::data};
            TypeId element = any_type(kinds[number(kinds.size())]);
            if (element == TypeId::none) element = TypeId::ManagedObject;
            return array(element, depth - 1);
        }
        default:
            return primitive(TypeId{static_cast<std::uint16_t>(1 + number(10))});
    }
}

Value RandomValues::array(TypeId element, int depth) {
    std::vector<Value> elements;
    for (std::size_t left = 1 + number(3); left > 0; --left) {
        Value made = value(element, depth);
        while (limits_.flat_arrays && made.kind() == ValueKind::array) made = value(element, depth);
        elements.push_back(std::move(made));
    }
    return Value::array(element, std::move(elements));
}

Value RandomValues::value(TypeId declared, int depth) {
    if (declared == TypeId::anyType) return any(depth);
    const TypeDescriptor& type = describe(declared);
    switch (type.kind) {
        case TypeKind::enumeration:
            return Value::enumeration(declared,
                                      static_cast<std::uint16_t>(number(type.value_count())));
        case TypeKind::managed:
            return Value::moref(derived(declared), "id-" + std::to_string(number(1000)));
        case TypeKind::data:
            return object(depth > 0 ? derived(declared) : declared, depth - 1);
        default:
            return primitive(declared);
    }
}

Value RandomValues::object(TypeId type, int depth) {
    Value made = make_object(type);
    const auto properties = describe(type).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const PropertyDescriptor& property = properties[i];
        // Some required arrays are of objects that require such arrays.
        const bool demanded = !property.optional() && (!property.array() || depth > -4);
        if (!demanded && (depth <= 0 || number(3) == 0)) continue;
        made.set_slot(
            i, property.array() ? array(property.type(), depth) : value(property.type(), depth));
    }
    return made;
}

std::string find_newer(const Value& value, Release release) {
    switch (value.kind()) {
        case ValueKind::enumeration: {
            const TypeDescriptor& type = describe(value.type());
            const auto index = static_cast<std::uint16_t>(value.as_integer());
            if (type.since() <= release && type.value_since(index) <= release) return {};
            return std::string(type.name()) + "." + std::string(value.as_string());
        }
        case ValueKind::moref:
            if (describe(value.moref_type()).since() <= release) return {};
            return "reference to " + std::string(describe(value.moref_type()).name());
        case ValueKind::array:
            if (describe(value.type()).kind != TypeKind::managed &&
                describe(value.type()).since() > release) {
                return "ArrayOf" + std::string(describe(value.type()).name());
            }
            for (const Value& each : value.elements()) {
                if (auto found = find_newer(each, release); !found.empty()) return found;
            }
            return {};
        case ValueKind::object: {
            const TypeDescriptor& type = describe(value.type());
            if (type.since() > release) return std::string(type.name());
            for (std::size_t i = 0; i < value.slots().size(); ++i) {
                if (!value.slots()[i]) continue;
                const PropertyDescriptor& property = type.properties()[i];
                if (property.since() > release) {
                    return std::string(type.name()) + "." + std::string(property.name());
                }
                if (auto found = find_newer(value.slots()[i], release); !found.empty()) {
                    return std::string(property.name()) + ": " + found;
                }
            }
            return {};
        }
        default:
            return {};
    }
}

}  // namespace drover::vim
