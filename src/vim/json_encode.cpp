#include "vim/json_encode.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.hpp"
#include "vim/json.hpp"

namespace drover::vim {
namespace json {
namespace {

using wire::Buffer;

constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

// Writes the one character at the front of `text` and says how long it was.
std::size_t put_special(Buffer& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const char c = text.front();
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        out.put('\\');
        out.put(c);
        return 1;
    }
    if (code < 0x20) {
        switch (c) {
            case '\n':
                out.put("\\n");
                return 1;
            case '\r':
                out.put("\\r");
                return 1;
            case '\t':
                out.put("\\t");
                return 1;
            default:
                out.put("\\u00");
                out.put(kHex[code >> 4U]);
                out.put(kHex[code & 15U]);
                return 1;
        }
    }
    const std::size_t length = wire::utf8_length(text);
    out.put(length == 0 ? wire::kReplacement : text.substr(0, length));
    return length == 0 ? 1 : length;
}

// JSON has no word for these; they are written as the strings that protocol buffers use, too.
void put_number(Buffer& out, double value, bool is_float) {
    if (std::isnan(value)) {
        out.put("\"NaN\"");
    } else if (std::isinf(value)) {
        out.put(value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    } else {
        wire::put_real(out, value, is_float);
    }
}

void put_type_name(Buffer& out, std::string_view name) {
    out.put("{\"_typeName\":\"");
    out.put(name);
    out.put('"');
}

}  // namespace

void Encoder::string(std::string_view text) {
    out_.put('"');
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && kPlain[static_cast<unsigned char>(text[plain])]) ++plain;
        out_.put(text.substr(0, plain));
        text.remove_prefix(plain);
        if (!text.empty()) text.remove_prefix(put_special(out_, text));
    }
    out_.put('"');
}

void Encoder::members(const Value& object, TypeId type) {
    const auto properties = describe(type).properties();
    const auto slots = object.slots();
    DROVER_CHECK(properties.size() <= slots.size());
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const PropertyDescriptor& property = properties[i];
        if (!slots[i] || property.since() > release_) continue;
        if (property.array()) {
            // As in SOAP, an array with nothing to send is no different from an unset one.
            if (std::ranges::none_of(slots[i].elements(), [&](const Value& each) {
                    return wire::is_usable(each, property.type(), release_);
                })) {
                continue;
            }
        } else if (!wire::is_known(slots[i], property.type(), release_)) {
            continue;
        }
        out_.put(",\"");
        out_.put(property.name());
        out_.put("\":");
        if (property.array()) {
            array(property.type(), slots[i]);
        } else {
            value(property.type(), slots[i]);
        }
    }
}

void Encoder::array(TypeId declared, const Value& value_array) {
    out_.put('[');
    bool first = true;
    for (const Value& each : value_array.elements()) {
        if (!wire::is_usable(each, declared, release_)) continue;
        if (!first) out_.put(',');
        first = false;
        value(declared, each);
    }
    out_.put(']');
}

void Encoder::value(TypeId declared, const Value& value) {
    wire::check_fits(value, declared);
    if (value.kind() == ValueKind::object) {
        const TypeId type = downgrade(value.type(), release_);
        put_type_name(out_, describe(type).name());
        members(value, type);
        out_.put('}');
    } else if (value.kind() == ValueKind::moref) {
        reference(value);
    } else if (declared == TypeId::anyType) {
        boxed(value);
    } else {
        leaf(value);
    }
}

void Encoder::reference(const Value& value) {
    TypeId type = downgrade(value.moref_type(), release_);
    if (type == TypeId::none) type = TypeId::ManagedObject;
    put_type_name(out_, "ManagedObjectReference");
    out_.put(",\"type\":\"");
    out_.put(describe(type).name());
    out_.put("\",\"value\":");
    string(value.moref_id());
    out_.put('}');
}

void Encoder::boxed(const Value& value) {
    if (value.kind() == ValueKind::array) {
        const TypeId element = wire::known_element(value.type(), release_);
        out_.put("{\"_typeName\":\"");
        wire::put_array_name(out_, element, wire::Encoding::json);
        out_.put("\",\"_value\":");
        array(element, value);
    } else {
        put_type_name(out_, value.kind() == ValueKind::enumeration
                                ? describe(value.type()).name()
                                : wire::primitive_name(value.type(), wire::Encoding::json));
        out_.put(",\"_value\":");
        leaf(value);
    }
    out_.put('}');
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
        case ValueKind::enumeration:
            string(value.as_string());
            return;
        case ValueKind::date_time:
            out_.put('"');
            wire::put_time(out_, value.as_time());
            out_.put('"');
            return;
        case ValueKind::binary:
            out_.put('"');
            wire::put_base64(out_, value.as_string());
            out_.put('"');
            return;
        default:
            DROVER_CHECK(value.kind() < ValueKind::moref);
    }
}

}  // namespace json

std::string encode_json_value(const Value& value, TypeId declared, Release release) {
    wire::Buffer out;
    json::Encoder encoder(out, release);
    if (value.kind() == ValueKind::array && declared != TypeId::anyType) {
        encoder.array(declared, value);
    } else if (wire::is_known(value, declared, release)) {
        encoder.value(declared, value);
    }
    return out.take();
}

std::string encode_json_response(const MethodDescriptor& method, const Value& result,
                                 Release release) {
    if (method.result_type == TypeId::none) return {};
    if (!result && method.returns_array()) return "[]";
    return encode_json_value(result, method.result_type, release);
}

std::string encode_json_request(const MethodDescriptor& method, const Value& request,
                                Release release) {
    if (!request) return {};
    DROVER_CHECK(request.type() == method.request);
    wire::Buffer out;
    out.put("{\"_typeName\":\"");
    out.put(method.name());
    out.put('"');
    json::Encoder(out, release).members(request, method.request);
    out.put('}');
    return out.take();
}

std::string encode_json_fault(const Fault& fault, Release release) {
    TypeId type = downgrade(fault.fault().dynamic_type(), release);
    if (!is_a(type, TypeId::MethodFault)) type = TypeId::MethodFault;
    wire::Buffer out;
    json::Encoder encoder(out, release);
    out.put("{\"_typeName\":\"");
    out.put(describe(type).name());
    out.put("\",\"faultstring\":");
    encoder.string(fault.message());
    encoder.members(fault.fault().raw(), type);
    out.put('}');
    return out.take();
}

}  // namespace drover::vim
