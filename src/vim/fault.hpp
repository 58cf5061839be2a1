#pragma once

// A fault of the interface as a C++ exception. It is thrown where the cause is known and turned
// into a SOAP fault, a JSON error or a task's error in one place each.

#include <exception>
#include <string>

#include "vim/types.hpp"

namespace drover::vim {

/// Carries a fault object (MethodFault or a type that derives from it) and the sentence that a
/// person reads. The sentence names the cause; it is never empty.
class Fault : public std::exception {
public:
    Fault(MethodFault fault, std::string message);

    const MethodFault& fault() const { return fault_; }
    const std::string& message() const { return message_; }
    const char* what() const noexcept override { return message_.c_str(); }

    /// The form in which a fault stands inside other values (TaskInfo.error, missingSet, ...).
    LocalizedMethodFault localized() const;

private:
    MethodFault fault_;
    std::string message_;
};

/// A fault without properties of its own: throw make_fault<InvalidState>("...").
template <class T>
Fault make_fault(std::string message) {
    return Fault(T::make(), std::move(message));
}

/// InvalidArgument that names the argument's property path ("spec.deviceChange[0].device").
Fault invalid_argument(std::string_view property_path, std::string message);

/// ManagedObjectNotFound for a reference that names nothing (any more).
Fault object_not_found(const MoRef& reference);

/// InvalidProperty for a property path that the type does not have.
Fault invalid_property(std::string_view path);

/// NoPermission on an object for want of a privilege.
Fault no_permission(const MoRef& object, std::string_view privilege);

}  // namespace drover::vim
