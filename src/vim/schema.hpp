#pragma once

// The interface's description at run time: constant tables that the generator makes from
// api/schema. Codecs, property paths, version gating and privileges walk these tables; there is no
// code per type. All data here is constant and may be read from any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "vim/type_id.hpp"  // generated: enum class TypeId

namespace drover::vim {

enum class TypeKind : std::uint8_t { primitive, enumeration, data, managed, request };

/// Index into the list of releases, oldest first. 0 stands for "as old as the interface".
enum class Release : std::uint16_t { oldest = 0 };

/// One property of a data object or managed object, or one parameter of a method.
struct PropertyDescriptor {
    std::uint32_t name_offset;
    TypeId type_id;  ///< of the element, if `array`
    Release since_release;
    std::uint16_t privilege_index;
    std::uint8_t flags;

    static constexpr std::uint8_t kOptional = 1;
    static constexpr std::uint8_t kArray = 2;
    static constexpr std::uint8_t kSecret = 4;

    std::string_view name() const;
    TypeId type() const { return type_id; }
    Release since() const { return since_release; }
    bool optional() const { return (flags & kOptional) != 0; }
    bool array() const { return (flags & kArray) != 0; }
    bool secret() const { return (flags & kSecret) != 0; }
    /// The privilege that reading it (or passing it) takes; empty: the one of the object.
    std::string_view privilege() const;
};

/// One method of a managed object. Method names are unique over the whole interface.
struct MethodDescriptor {
    std::uint32_t name_offset;
    TypeId owner;        ///< the managed object type that declares it
    TypeId request;      ///< TypeKind::request: its properties are the parameters
    TypeId result_type;  ///< of the element, if it is an array
    TypeId task_result;  ///< what the Task yields, if the method returns one
    Release since_release;
    std::uint16_t privilege_index;
    std::uint8_t result_flags;  ///< as PropertyDescriptor::flags
    std::uint32_t first_fault;
    std::uint16_t fault_count;

    std::string_view name() const;
    Release since() const { return since_release; }
    bool returns_array() const { return (result_flags & PropertyDescriptor::kArray) != 0; }
    bool returns_task() const { return result_type == TypeId::Task; }
    std::string_view privilege() const;
    std::span<const TypeId> faults() const;
};

/// One type. For an enumeration `values()`, for the others `properties()`: inherited ones first, in
/// the order in which XML Schema wants them; the index of a property is the same in all subtypes.
struct TypeDescriptor {
    std::uint32_t name_offset;
    TypeKind kind;
    TypeId base;  ///< TypeId::none where there is none
    Release since_release;
    std::uint32_t first_member;
    std::uint16_t member_count;
    std::uint32_t first_method;
    std::uint16_t method_count;

    std::string_view name() const;
    Release since() const { return since_release; }
    std::span<const PropertyDescriptor> properties() const;
    std::uint16_t value_count() const { return member_count; }
    std::string_view value_name(std::uint16_t index) const;
    Release value_since(std::uint16_t index) const;
    /// The methods that this type itself declares.
    std::span<const MethodDescriptor> own_methods() const;
    /// The property's index, if there is one of this name.
    std::optional<std::uint16_t> find_property(std::string_view property_name) const;
    std::optional<std::uint16_t> find_value(std::string_view value) const;
};

/// The description of a type. Ids come from the tables, so every id has one.
const TypeDescriptor& describe(TypeId id);

/// All types, by id.
std::span<const TypeDescriptor> all_types();

/// The type of this wire name ("VirtualMachine", "VirtualDisk", "string"), TypeId::none if unknown.
/// Requests are found as "<Method>RequestType".
TypeId find_type(std::string_view name);

/// The method of this wire name ("PowerOnVM_Task"), nullptr if unknown.
const MethodDescriptor* find_method(std::string_view name);

/// True if `type` is `base` or derives from it. `ManagedObject` is the base of all managed objects.
bool is_a(TypeId type, TypeId base);

/// The nearest of the type itself and its bases that `release` knows.
TypeId downgrade(TypeId type, Release release);

/// The newest release that the tables hold.
Release newest_release();

/// "6.7.1" and the like; empty for Release::oldest.
std::string_view release_name(Release release);

/// The release of a name, the next older one if that very name is not listed; a release newer than
/// all of ours is the newest. Empty if the text is no release number.
std::optional<Release> find_release(std::string_view name);

/// The releases that a client may ask for, newest first.
std::span<const Release> served_releases();

}  // namespace drover::vim
