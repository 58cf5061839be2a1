#include "vim/fault.hpp"

#include <fmt/format.h>

#include "vim/fault_text.hpp"

namespace drover::vim {
namespace {

// Decoders of some clients insist on every required property: what a thrower had nothing to say
// about gets its neutral value, and a "reason" the message.
MethodFault with_required(const MethodFault& fault, const std::string& message) {
    Value object = fault.raw();
    const auto properties = describe(fault.dynamic_type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        if (properties[i].optional() || object.slots()[i]) continue;
        const bool is_reason = properties[i].name() == "reason";
        if (properties[i].array()) continue;
        switch (properties[i].type()) {
            case TypeId::string:
                object.set_slot(i, Value::string(is_reason ? message : ""));
                break;
            case TypeId::boolean:
                object.set_slot(i, Value::boolean(false));
                break;
            case TypeId::int_:
                object.set_slot(i, Value::int_(0));
                break;
            case TypeId::long_:
                object.set_slot(i, Value::long_(0));
                break;
            default:
                break;
        }
    }
    return MethodFault(object);
}

}  // namespace

Fault::Fault(MethodFault fault, std::string message)
    : fault_(std::move(fault)), message_(std::move(message)) {
    DROVER_CHECK(fault_);
    if (message_.empty()) message_ = default_fault_text(fault_.dynamic_type());
    fault_ = with_required(fault_, message_);
}

LocalizedMethodFault Fault::localized() const {
    auto made = LocalizedMethodFault::make();
    made.set_fault(fault_);
    made.set_localizedMessage(message_);
    return made;
}

Fault invalid_argument(std::string_view property_path, std::string message) {
    auto fault = InvalidArgument::make();
    fault.set_invalidProperty(property_path);
    return Fault(fault, std::move(message));
}

Fault object_not_found(const MoRef& reference) {
    auto fault = ManagedObjectNotFound::make();
    fault.set_obj(reference);
    return Fault(fault,
                 fmt::format("The object '{}:{}' has already been deleted or has never existed.",
                             describe(reference.type).name(), reference.id));
}

Fault invalid_property(std::string_view path) {
    auto fault = InvalidProperty::make();
    fault.set_name(path);
    return Fault(fault, fmt::format("There is no property '{}'.", path));
}

Fault no_permission(const MoRef& object, std::string_view privilege) {
    auto fault = NoPermission::make();
    fault.set_object(object);
    fault.set_privilegeId(privilege);
    // The same once more, as later releases have it.
    Value missing = make_object(TypeId::NoPermissionEntityPrivileges);
    const auto& members = describe(TypeId::NoPermissionEntityPrivileges);
    missing.set_slot(*members.find_property("entity"), Value::moref(object));
    missing.set_slot(*members.find_property("privilegeIds"),
                     Value::array(TypeId::string, {Value::string(privilege)}));
    Value told = fault.raw();
    told.set_slot(*describe(TypeId::NoPermission).find_property("missingPrivileges"),
                  Value::array(TypeId::NoPermissionEntityPrivileges, {missing}));
    fault = NoPermission(std::move(told));
    return Fault(fault, fmt::format("Permission '{}' on '{}:{}' is missing.", privilege,
                                    describe(object.type).name(), object.id));
}

}  // namespace drover::vim
