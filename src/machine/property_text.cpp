#include "machine/property_text.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

#include "base/check.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

struct Step {
    std::uint16_t index;
    vim::TypeId type;
    std::string_view rest;
};

Step first_step(vim::TypeId object, std::string_view path) {
    const auto dot = path.find('.');
    const auto& type = vim::describe(object);
    const auto index = type.find_property(path.substr(0, dot));
    DROVER_CHECK(index.has_value());
    return {*index, type.properties()[*index].type(),
            dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1)};
}

std::optional<vim::Value> number(vim::TypeId type, std::string_view text) {
    std::int64_t value = 0;
    const auto digits = vmx::trimmed(text);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    if (type == vim::TypeId::long_) return vim::Value::long_(value);
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
        return std::nullopt;
    }
    return vim::Value::int_(static_cast<std::int32_t>(value));
}

}  // namespace

vim::Value get_path(const vim::Value& object, std::string_view path) {
    if (!object) return {};
    const Step step = first_step(object.type(), path);
    const vim::Value& value = object.slots()[step.index];
    return step.rest.empty() ? value : get_path(value, step.rest);
}

vim::Value with_path(vim::Value object, std::string_view path, const vim::Value& value) {
    const Step step = first_step(object.type(), path);
    if (step.rest.empty()) {
        object.set_slot(step.index, value);
        return object;
    }
    vim::Value inner = object.slots()[step.index];
    // Let go of, so that it is not copied.
    object.set_slot(step.index, {});
    if (!inner) inner = vim::make_object(step.type);
    object.set_slot(step.index, with_path(std::move(inner), step.rest, value));
    return object;
}

vim::TypeId type_of_path(vim::TypeId object, std::string_view path) {
    const Step step = first_step(object, path);
    return step.rest.empty() ? step.type : type_of_path(step.type, step.rest);
}

std::optional<vim::Value> value_from_text(vim::TypeId type, std::string_view text) {
    if (type == vim::TypeId::string) return vim::Value::string(text);
    if (type == vim::TypeId::int_ || type == vim::TypeId::long_) return number(type, text);
    if (type == vim::TypeId::boolean) {
        const std::string word = vmx::lower_case(vmx::trimmed(text));
        for (const char* yes : {"true", "t", "yes", "y", "on", "1"}) {
            if (word == yes) return vim::Value::boolean(true);
        }
        for (const char* no : {"false", "f", "no", "n", "off", "0"}) {
            if (word == no) return vim::Value::boolean(false);
        }
        return std::nullopt;
    }
    DROVER_CHECK(vim::describe(type).kind == vim::TypeKind::enumeration);
    const auto index = vim::describe(type).find_value(text);
    if (!index) return std::nullopt;
    return vim::Value::enumeration(type, *index);
}

std::string value_to_text(const vim::Value& value) {
    switch (value.kind()) {
        case vim::ValueKind::boolean:
            return value.as_boolean() ? "TRUE" : "FALSE";
        case vim::ValueKind::byte_:
        case vim::ValueKind::short_:
        case vim::ValueKind::int_:
        case vim::ValueKind::long_:
            return std::to_string(value.as_integer());
        case vim::ValueKind::string:
        case vim::ValueKind::enumeration:
            return std::string(value.as_string());
        case vim::ValueKind::date_time:
            return base::format_time(value.as_time());
        default:
            return {};
    }
}

}  // namespace drover::machine
