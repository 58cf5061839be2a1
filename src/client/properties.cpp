#include "client/properties.hpp"

namespace drover::client {

using vim::ValueKind;

const vim::Value& Properties::get(std::string_view path) const {
    static const vim::Value unset{};
    const auto found = values_.find(path);
    return found == values_.end() ? unset : found->second;
}

void Properties::set(std::string_view path, vim::Value value) {
    values_.insert_or_assign(std::string(path), std::move(value));
}

std::string Properties::text(std::string_view path) const {
    const vim::Value& value = get(path);
    const bool text = value.kind() == ValueKind::string || value.kind() == ValueKind::enumeration;
    return text ? std::string(value.as_string()) : std::string{};
}

std::optional<std::int64_t> Properties::integer(std::string_view path) const {
    const vim::Value& value = get(path);
    switch (value.kind()) {
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            return value.as_integer();
        default:
            return std::nullopt;
    }
}

std::optional<bool> Properties::boolean(std::string_view path) const {
    const vim::Value& value = get(path);
    if (value.kind() != ValueKind::boolean) return std::nullopt;
    return value.as_boolean();
}

std::optional<vim::MoRef> Properties::reference(std::string_view path) const {
    const vim::Value& value = get(path);
    if (value.kind() != ValueKind::moref) return std::nullopt;
    return value.as_moref();
}

std::vector<vim::MoRef> Properties::references(std::string_view path) const {
    std::vector<vim::MoRef> out;
    const vim::Value& value = get(path);
    if (value.kind() != ValueKind::array) return out;
    for (const auto& each : value.elements()) {
        if (each.kind() == ValueKind::moref) out.push_back(each.as_moref());
    }
    return out;
}

std::optional<base::WallTime> Properties::time(std::string_view path) const {
    const vim::Value& value = get(path);
    if (value.kind() != ValueKind::date_time) return std::nullopt;
    return value.as_time();
}

}  // namespace drover::client
