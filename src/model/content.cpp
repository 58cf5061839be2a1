#include "model/content.hpp"

#include "base/check.hpp"
#include "vim/fault.hpp"

namespace drover::model {
namespace {

// Slots by index, looked up once: these objects are made by the ten thousand.
std::uint16_t slot_of(TypeId type, std::string_view property) {
    const auto index = vim::describe(type).find_property(property);
    DROVER_CHECK(index);
    return *index;
}

vim::DynamicProperty make_property(const Value& name, const Value& value) {
    static const auto name_slot = slot_of(TypeId::DynamicProperty, "name");
    static const auto value_slot = slot_of(TypeId::DynamicProperty, "val");
    Value made = vim::make_object(TypeId::DynamicProperty);
    made.set_slot(name_slot, name);
    made.set_slot(value_slot, value);
    return vim::DynamicProperty(std::move(made));
}

}  // namespace

bool may_read(const SelectedPath& path, const ManagedObject& object, const Reader& reader) {
    if (!owning_session(object.id()).empty()) return true;  // seen at all means owned
    return reader.may_read(object, path.privilege);
}

vim::MissingProperty make_missing(const ManagedObject& object, const SelectedPath& path) {
    auto missing = vim::MissingProperty::make();
    missing.set_path(path.path.text());
    const auto privilege = path.privilege.empty() ? "System.Read" : path.privilege;
    missing.set_fault(vim::no_permission(object.ref(), privilege).localized());
    return missing;
}

vim::PropertyChange make_change(const Value& name, vim::PropertyChangeOp op, const Value& value) {
    static const auto name_slot = slot_of(TypeId::PropertyChange, "name");
    static const auto value_slot = slot_of(TypeId::PropertyChange, "val");
    vim::PropertyChange change = vim::PropertyChange::make();
    change.set_op(op);
    Value made = change.raw();
    change = {};
    made.set_slot(name_slot, name);
    if (value) made.set_slot(value_slot, value);
    return vim::PropertyChange(std::move(made));
}

vim::ObjectContent make_content(const ManagedObject& object, const TypePlan& plan,
                                const Reader& reader) {
    auto content = vim::ObjectContent::make();
    content.set_obj(object.ref());
    std::vector<vim::DynamicProperty> properties;
    std::vector<vim::MissingProperty> missing;
    properties.reserve(plan.paths.size());
    for (const SelectedPath& path : plan.paths) {
        if (!may_read(path, object, reader)) {
            missing.push_back(make_missing(object, path));
            continue;
        }
        if (Value value = path.path.evaluate(object, reader)) {
            properties.push_back(make_property(path.name, value));
        }
    }
    if (!properties.empty()) content.set_propSet(properties);
    if (!missing.empty()) content.set_missingSet(missing);
    return content;
}

}  // namespace drover::model
