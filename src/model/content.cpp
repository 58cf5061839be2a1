#include "model/content.hpp"

#include <utility>

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

void set_list(Value& object, std::uint16_t slot, TypeId element, std::vector<Value> elements) {
    if (elements.empty()) return;
    object.set_slot(slot, Value::array(element, std::move(elements)));
}

}  // namespace

Value make_property(const Value& name, Value value) {
    static const auto name_slot = slot_of(TypeId::DynamicProperty, "name");
    static const auto value_slot = slot_of(TypeId::DynamicProperty, "val");
    Value made = vim::make_object(TypeId::DynamicProperty);
    made.set_slot(name_slot, name);
    made.set_slot(value_slot, std::move(value));
    return made;
}

Value make_object_content(const Value& reference, std::vector<Value> properties,
                          std::vector<Value> missing) {
    static const auto object_slot = slot_of(TypeId::ObjectContent, "obj");
    static const auto property_slot = slot_of(TypeId::ObjectContent, "propSet");
    static const auto missing_slot = slot_of(TypeId::ObjectContent, "missingSet");
    Value made = vim::make_object(TypeId::ObjectContent);
    made.set_slot(object_slot, reference);
    set_list(made, property_slot, TypeId::DynamicProperty, std::move(properties));
    set_list(made, missing_slot, TypeId::MissingProperty, std::move(missing));
    return made;
}

Value make_retrieve_result(Value contents, std::string_view token) {
    static const auto token_slot = slot_of(TypeId::RetrieveResult, "token");
    static const auto objects_slot = slot_of(TypeId::RetrieveResult, "objects");
    Value made = vim::make_object(TypeId::RetrieveResult);
    if (!token.empty()) made.set_slot(token_slot, Value::string(token));
    made.set_slot(objects_slot, std::move(contents));
    return made;
}

Value make_change(const Value& name, vim::PropertyChangeOp op, const Value& value) {
    static const auto name_slot = slot_of(TypeId::PropertyChange, "name");
    static const auto op_slot = slot_of(TypeId::PropertyChange, "op");
    static const auto value_slot = slot_of(TypeId::PropertyChange, "val");
    Value made = vim::make_object(TypeId::PropertyChange);
    made.set_slot(name_slot, name);
    made.set_slot(op_slot, vim::Convert<vim::PropertyChangeOp>::to(op));
    if (value) made.set_slot(value_slot, value);
    return made;
}

Value make_update(vim::ObjectUpdateKind kind, const Value& reference, std::vector<Value> changes,
                  std::vector<Value> missing) {
    static const auto kind_slot = slot_of(TypeId::ObjectUpdate, "kind");
    static const auto object_slot = slot_of(TypeId::ObjectUpdate, "obj");
    static const auto change_slot = slot_of(TypeId::ObjectUpdate, "changeSet");
    static const auto missing_slot = slot_of(TypeId::ObjectUpdate, "missingSet");
    Value made = vim::make_object(TypeId::ObjectUpdate);
    made.set_slot(kind_slot, vim::Convert<vim::ObjectUpdateKind>::to(kind));
    made.set_slot(object_slot, reference);
    set_list(made, change_slot, TypeId::PropertyChange, std::move(changes));
    set_list(made, missing_slot, TypeId::MissingProperty, std::move(missing));
    return made;
}

Value make_filter_update(const MoRef& filter, std::vector<Value> updates,
                         std::vector<Value> missing) {
    auto update = vim::PropertyFilterUpdate::make();
    update.set_filter(filter);
    Value made = update.raw();
    update = {};
    static const auto object_slot = slot_of(TypeId::PropertyFilterUpdate, "objectSet");
    static const auto missing_slot = slot_of(TypeId::PropertyFilterUpdate, "missingSet");
    set_list(made, object_slot, TypeId::ObjectUpdate, std::move(updates));
    set_list(made, missing_slot, TypeId::MissingObject, std::move(missing));
    return made;
}

vim::MissingProperty make_missing(const MoRef& object, const TypePlan& plan,
                                  const SelectedPath& path) {
    auto missing = vim::MissingProperty::make();
    missing.set_path(path.path.text());
    const auto privilege = plan.privileges[plan.roots[path.root].privilege];
    missing.set_fault(
        vim::no_permission(object, privilege.empty() ? "System.Read" : privilege).localized());
    return missing;
}

}  // namespace drover::model
