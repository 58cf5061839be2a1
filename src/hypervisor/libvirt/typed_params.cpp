#include "hypervisor/libvirt/typed_params.hpp"

#include <cmath>

namespace drover::hypervisor::libvirt {
namespace {

std::optional<std::variant<std::uint64_t, std::string>> value_of(const virTypedParameter& param) {
    switch (param.type) {
        case VIR_TYPED_PARAM_INT:
            if (param.value.i < 0) return std::nullopt;
            return static_cast<std::uint64_t>(param.value.i);
        case VIR_TYPED_PARAM_UINT:
            return std::uint64_t{param.value.ui};
        case VIR_TYPED_PARAM_LLONG:
            if (param.value.l < 0) return std::nullopt;
            return static_cast<std::uint64_t>(param.value.l);
        case VIR_TYPED_PARAM_ULLONG:
            return std::uint64_t{param.value.ul};
        case VIR_TYPED_PARAM_DOUBLE:
            if (!(param.value.d >= 0 && param.value.d < 9e18)) return std::nullopt;
            return static_cast<std::uint64_t>(std::llround(param.value.d));
        case VIR_TYPED_PARAM_BOOLEAN:
            return std::uint64_t{param.value.b != 0};
        case VIR_TYPED_PARAM_STRING:
            if (param.value.s == nullptr) return std::nullopt;
            return std::string(param.value.s);
        default:
            return std::nullopt;
    }
}

}  // namespace

TypedParams::TypedParams(const virTypedParameter* params, int count) {
    for (int i = 0; i < count; ++i)
        if (auto value = value_of(params[i])) set(params[i].field, std::move(*value));
}

std::optional<std::uint64_t> TypedParams::number(std::string_view name) const {
    const auto at = values_.find(name);
    if (at == values_.end()) return std::nullopt;
    const auto* value = std::get_if<std::uint64_t>(&at->second);
    return value ? std::optional(*value) : std::nullopt;
}

std::string TypedParams::text(std::string_view name, std::size_t limit) const {
    const auto at = values_.find(name);
    if (at == values_.end()) return {};
    const auto* value = std::get_if<std::string>(&at->second);
    return value ? value->substr(0, limit) : std::string{};
}

}  // namespace drover::hypervisor::libvirt
