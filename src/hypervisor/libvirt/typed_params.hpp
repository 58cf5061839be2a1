#pragma once

#include <libvirt/libvirt.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace drover::hypervisor::libvirt {

/// libvirt's typed parameters as a map. Numbers of all widths become 64 bits wide; a negative one
/// is taken for absent, since every counter that we read is unsigned.
class TypedParams {
public:
    TypedParams() = default;
    TypedParams(const virTypedParameter* params, int count);

    void set(std::string name, std::variant<std::uint64_t, std::string> value) {
        values_.insert_or_assign(std::move(name), std::move(value));
    }

    /// Adds what `other` has and this has not.
    void merge(TypedParams other) { values_.merge(other.values_); }

    std::optional<std::uint64_t> number(std::string_view name) const;
    std::uint64_t number_or_0(std::string_view name) const { return number(name).value_or(0); }
    /// Empty if absent; at most `limit` bytes.
    std::string text(std::string_view name, std::size_t limit = 4096) const;
    bool has(std::string_view name) const { return values_.contains(name); }

private:
    std::map<std::string, std::variant<std::uint64_t, std::string>, std::less<>> values_;
};

}  // namespace drover::hypervisor::libvirt
