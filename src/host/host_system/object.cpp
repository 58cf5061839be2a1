#include "host/host_system/object.hpp"

#include "base/check.hpp"

namespace drover::host {

using vim::TypeId;
using vim::Value;

namespace {

void set_fields(Value& object, Fields fields) {
    const auto& type = vim::describe(object.type());
    for (const auto& [name, value] : fields) {
        const auto index = type.find_property(name);
        DROVER_CHECK(index.has_value());
        object.set_slot(*index, value);
    }
}

}  // namespace

vim::DataHandle make_data(TypeId type, Fields fields) {
    Value object = vim::make_object(type);
    set_fields(object, fields);
    return vim::DataHandle(std::move(object));
}

vim::DataHandle with(const vim::DataHandle& object, Fields fields) {
    Value copy = object.raw();
    set_fields(copy, fields);
    return vim::DataHandle(std::move(copy));
}

vim::DataHandle all_false(TypeId type) {
    Value object = vim::make_object(type);
    std::size_t index = 0;
    for (const auto& property : vim::describe(type).properties()) {
        if (property.type() == TypeId::boolean && !property.array()) {
            object.set_slot(index, Value::boolean(false));
        }
        ++index;
    }
    return vim::DataHandle(std::move(object));
}

Value text_value(std::string_view text) {
    return Value::string(text);
}

Value texts_value(const std::vector<std::string_view>& texts) {
    std::vector<Value> values;
    values.reserve(texts.size());
    for (const auto text : texts) values.push_back(Value::string(text));
    return Value::array(TypeId::string, std::move(values));
}

}  // namespace drover::host
