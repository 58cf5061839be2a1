#include "service/served_api.hpp"

#include <fmt/format.h>

#include <set>

namespace drover::service {

std::string served_api(const task::Dispatcher& dispatcher, const model::Inventory& inventory,
                       const std::function<bool(const vim::MethodDescriptor&)>& is_left_out) {
    std::set<std::string> lines;
    for (const vim::TypeDescriptor& type : vim::all_types()) {
        for (const vim::MethodDescriptor& method : type.own_methods()) {
            if (is_left_out && is_left_out(method)) continue;
            if (dispatcher.serves(method)) lines.insert(fmt::format("method {}", method.name()));
        }
    }
    inventory.for_each([&](const model::ManagedObject& object) {
        const vim::TypeDescriptor& type = vim::describe(object.type());
        for (std::uint16_t i = 0; i < object.property_count(); ++i) {
            if (!object.property(i) && !object.is_computed(i)) continue;
            lines.insert(fmt::format("property {} {}", type.name(), type.properties()[i].name()));
        }
    });
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
}

}  // namespace drover::service
