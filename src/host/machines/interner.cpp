#include "host/machines/interner.hpp"

#include <string_view>
#include <vector>

namespace drover::host {

using vim::Value;
using vim::ValueKind;

namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t more) {
    hash ^= more + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
    return hash * 0xff51afd7ed558ccdULL;
}

std::uint64_t hash_of(std::string_view text) {
    return std::hash<std::string_view>{}(text);
}

// Of what has no parts.
std::uint64_t hash_of_leaf(const Value& value) {
    const auto kind = static_cast<std::uint64_t>(value.kind());
    switch (value.kind()) {
        case ValueKind::none:
            return kind;
        case ValueKind::boolean:
            return mix(kind, value.as_boolean() ? 1 : 0);
        case ValueKind::float_:
        case ValueKind::double_:
            return mix(kind, std::hash<double>{}(value.as_double()));
        case ValueKind::date_time:
            return mix(kind,
                       static_cast<std::uint64_t>(value.as_time().time_since_epoch().count()));
        case ValueKind::string:
        case ValueKind::binary:
            return mix(kind, hash_of(value.as_string()));
        case ValueKind::moref:
            return mix(kind, hash_of(value.moref_id()));
        default:
            return mix(kind, static_cast<std::uint64_t>(value.as_integer()));
    }
}

bool is_worth_sharing(const Value& value) {
    return value.kind() == ValueKind::string || value.kind() == ValueKind::object ||
           value.kind() == ValueKind::array;
}

}  // namespace

Value Interner::intern(const Value& value) {
    return visit(value).value;
}

Interner::Part Interner::visit(const Value& value) {
    if (value.kind() == ValueKind::object || value.kind() == ValueKind::array) {
        return share(visit_children(value));
    }
    Part part{value, hash_of_leaf(value)};
    return is_worth_sharing(value) ? share(std::move(part)) : part;
}

Interner::Part Interner::visit_children(const Value& value) {
    const bool is_object = value.kind() == ValueKind::object;
    const auto children = is_object ? value.slots() : value.elements();
    Part whole{value, mix(static_cast<std::uint64_t>(value.kind()),
                          static_cast<std::uint64_t>(value.type()))};
    std::vector<Value> shared;
    shared.reserve(children.size());
    bool differs = false;
    for (const Value& child : children) {
        Part part = visit(child);
        whole.hash = mix(whole.hash, part.hash);
        differs |= is_worth_sharing(child) && !child.same_content(part.value);
        shared.push_back(std::move(part.value));
    }
    if (!differs) return whole;
    if (is_object) {
        for (std::size_t i = 0; i < shared.size(); ++i) {
            if (is_worth_sharing(shared[i])) whole.value.set_slot(i, std::move(shared[i]));
        }
    } else {
        whole.value = Value::array(value.type(), std::move(shared));
    }
    return whole;
}

Interner::Part Interner::share(Part part) {
    const auto [first, last] = parts_.equal_range(part.hash);
    for (auto at = first; at != last; ++at) {
        if (at->second == part.value) return {at->second, part.hash};
    }
    if (parts_.size() >= kMostParts) parts_.clear();
    parts_.emplace(part.hash, part.value);
    return part;
}

}  // namespace drover::host
