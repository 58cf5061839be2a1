#include "center/hosts/shown_option.hpp"

#include "center/compatibility/cpu_facts.hpp"
#include "vim/management_types.hpp"

namespace drover::center {

using vim::Value;

std::optional<std::string> shown_option(const CenterContext& context, const vim::MoRef& host,
                                        std::string_view key) {
    const Value& config = config_of(context, host);
    const Value& options = config ? config.property("option") : config;
    if (options.kind() != vim::ValueKind::array) return std::nullopt;
    for (const Value& each : options.elements()) {
        const vim::OptionValue option(each);
        if (option.key() != key) continue;
        const Value value = option.value();
        return value.kind() == vim::ValueKind::string ? std::string(value.as_string())
                                                      : std::string();
    }
    return std::nullopt;
}

}  // namespace drover::center
