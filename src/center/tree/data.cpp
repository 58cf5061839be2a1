#include "center/tree/data.hpp"

#include "base/check.hpp"

namespace drover::center {

using vim::Value;

Value make_data(vim::TypeId type,
                std::initializer_list<std::pair<std::string_view, Value>> fields) {
    Value object = vim::make_object(type);
    for (const auto& [name, value] : fields) set_property(object, name, value);
    return object;
}

void set_property(Value& object, std::string_view name, Value value) {
    const auto index = vim::describe(object.type()).find_property(name);
    DROVER_CHECK(index.has_value());
    object.set_slot(*index, std::move(value));
}

}  // namespace drover::center
