#include "vim/schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/check.hpp"
#include "vim/schema_tables.hpp"

namespace drover::vim {
namespace {

std::string_view text_at(std::uint32_t offset) {
    return tables::kStrings + offset;
}

// "2.5u2" -> {2, 5, 'u', 2}: comparable as a sequence.
std::vector<int> release_key(std::string_view name) {
    std::vector<int> key;
    while (!name.empty()) {
        int number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc{}) {
            key.push_back(number);
            name.remove_prefix(static_cast<std::size_t>(end - name.data()));
        } else {
            if (name.front() != '.') key.push_back(name.front());
            name.remove_prefix(1);
        }
    }
    return key;
}

bool is_release_number(std::string_view name) {
    return !name.empty() && name.size() <= 20 && name.front() >= '0' && name.front() <= '9' &&
           std::ranges::all_of(name, [](char c) {
               return (c >= '0' && c <= '9') || c == '.' || (c >= 'a' && c <= 'z');
           });
}

// Finds `name` among table rows that `order` sorts by name.
template <class NameOf>
std::optional<std::uint16_t> find_sorted(std::span<const std::uint16_t> order,
                                         std::string_view name, NameOf name_of) {
    const auto at = std::ranges::lower_bound(order, name, {}, name_of);
    if (at == order.end() || name_of(*at) != name) return std::nullopt;
    return *at;
}

}  // namespace

std::string_view PropertyDescriptor::name() const {
    return text_at(name_offset);
}

std::string_view PropertyDescriptor::privilege() const {
    return text_at(tables::kPrivilegeNames[privilege_index]);
}

std::string_view MethodDescriptor::name() const {
    return text_at(name_offset);
}

std::string_view MethodDescriptor::privilege() const {
    return text_at(tables::kPrivilegeNames[privilege_index]);
}

std::span<const TypeId> MethodDescriptor::faults() const {
    return {tables::kFaults + first_fault, fault_count};
}

std::string_view TypeDescriptor::name() const {
    return text_at(name_offset);
}

std::span<const PropertyDescriptor> TypeDescriptor::properties() const {
    if (kind == TypeKind::enumeration) return {};
    return {tables::kProperties + first_member, member_count};
}

std::string_view TypeDescriptor::value_name(std::uint16_t index) const {
    DROVER_CHECK(kind == TypeKind::enumeration && index < member_count);
    return text_at(tables::kEnumValues[first_member + index].name_offset);
}

Release TypeDescriptor::value_since(std::uint16_t index) const {
    DROVER_CHECK(kind == TypeKind::enumeration && index < member_count);
    return Release{tables::kEnumValues[first_member + index].since_release};
}

std::span<const MethodDescriptor> TypeDescriptor::own_methods() const {
    return {tables::kMethods + first_method, method_count};
}

std::optional<std::uint16_t> TypeDescriptor::find_property(std::string_view property_name) const {
    const auto all = properties();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name() == property_name) return static_cast<std::uint16_t>(i);
    }
    return std::nullopt;
}

std::optional<std::uint16_t> TypeDescriptor::find_value(std::string_view value) const {
    if (kind != TypeKind::enumeration) return std::nullopt;
    for (std::uint16_t i = 0; i < member_count; ++i) {
        if (value_name(i) == value) return i;
    }
    return std::nullopt;
}

const TypeDescriptor& describe(TypeId id) {
    DROVER_CHECK(static_cast<std::size_t>(id) < tables::kTypeCount);
    return tables::kTypes[static_cast<std::size_t>(id)];
}

std::span<const TypeDescriptor> all_types() {
    return {tables::kTypes, tables::kTypeCount};
}

TypeId find_type(std::string_view name) {
    const auto found = find_sorted({tables::kTypesByName, tables::kTypeCount}, name,
                                   [](std::uint16_t row) { return tables::kTypes[row].name(); });
    return found ? TypeId{*found} : TypeId::none;
}

const MethodDescriptor* find_method(std::string_view name) {
    const auto found = find_sorted({tables::kMethodsByName, tables::kMethodCount}, name,
                                   [](std::uint16_t row) { return tables::kMethods[row].name(); });
    return found ? &tables::kMethods[*found] : nullptr;
}

bool is_a(TypeId type, TypeId base) {
    while (type != base) {
        if (type == TypeId::none) return false;
        type = describe(type).base;
    }
    return true;
}

TypeId downgrade(TypeId type, Release release) {
    while (type != TypeId::none && describe(type).since() > release) type = describe(type).base;
    return type;
}

Release newest_release() {
    return Release{static_cast<std::uint16_t>(tables::kReleaseCount - 1)};
}

std::string_view release_name(Release release) {
    DROVER_CHECK(static_cast<std::size_t>(release) < tables::kReleaseCount);
    return text_at(tables::kReleaseNames[static_cast<std::size_t>(release)]);
}

std::optional<Release> find_release(std::string_view name) {
    if (!is_release_number(name)) return std::nullopt;
    // Every request names one.
    static const auto keys = [] {
        std::vector<std::vector<int>> made(tables::kReleaseCount);
        for (std::size_t i = 1; i < made.size(); ++i) {
            made[i] = release_key(text_at(tables::kReleaseNames[i]));
        }
        return made;
    }();
    const auto wanted = release_key(name);
    for (std::size_t i = keys.size(); i-- > 1;) {
        if (keys[i] <= wanted) return Release{static_cast<std::uint16_t>(i)};
    }
    return Release::oldest;
}

std::span<const Release> served_releases() {
    static const auto served = [] {
        // What vSphere itself published; the releases in between were internal steps.
        constexpr std::array<std::string_view, 30> published{
            "2.0",     "2.5",     "2.5u2",   "2.5u2server", "4.0",     "4.1",
            "5.0",     "5.1",     "5.5",     "6.0",         "6.5",     "6.7",
            "6.7.1",   "6.7.2",   "6.8.7",   "6.9.1",       "7.0.0.0", "7.0.0.2",
            "7.0.1.0", "7.0.1.1", "7.0.2.0", "7.0.2.1",     "7.0.3.0", "7.0.3.1",
            "7.0.3.2", "8.0.0.0", "8.0.0.1", "8.0.1.0",     "8.0.2.0", "8.0.3.0"};
        std::vector<Release> releases;
        for (const auto name : published) releases.push_back(*find_release(name));
        std::ranges::reverse(releases);
        return releases;
    }();
    return served;
}

}  // namespace drover::vim
