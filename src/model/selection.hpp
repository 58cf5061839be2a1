#pragma once

// Which objects a PropertyFilterSpec selects, and which of their properties.
//
// A Selection is the spec, read and checked. SelectionWalk finds once what it selects; Membership
// (membership.hpp) finds it and keeps it true.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/inventory.hpp"
#include "model/property_path.hpp"
#include "vim/fault.hpp"
#include "vim/types.hpp"

namespace drover::model {

/// More than any managed object type has (checked when a plan is made).
inline constexpr std::size_t kMaxProperties = 128;
using PropertySet = std::bitset<kMaxProperties>;
/// One bit for each privilege of a TypePlan.
using PrivilegeSet = std::uint64_t;

/// What is still allowed to the request that a spec belongs to.
struct SpecBudget {
    std::size_t specs;
    std::size_t paths;
    std::size_t starting_objects;
    std::size_t objects;  ///< that one spec may select or pass through
};

/// A path that a client asked for, with what is needed to answer quickly.
struct SelectedPath {
    PropertyPath path;
    Value name;        ///< the path's text, made once for all answers
    std::size_t root;  ///< index in TypePlan::roots
};

/// A property at which paths begin: read once for all of them.
struct SelectedRoot {
    PropertyIndex property;
    std::size_t privilege;  ///< index in TypePlan::privileges
};

/// What a spec means for objects of one type.
struct TypePlan {
    bool selectable = false;  ///< some propSet names the type or a base of it
    std::vector<SelectedPath> paths;
    std::vector<SelectedRoot> roots;
    std::vector<std::string_view> privileges;  ///< that reading takes, each once; at most 64
    PropertySet watched;                       ///< the properties where `paths` begin
    PropertySet traversed;                     ///< those that lead on to other objects
    std::vector<bool> applies;                 ///< by node: whether it leads on from this type

    PrivilegeSet privilege_bit(const SelectedPath& path) const {
        return PrivilegeSet{1} << roots[path.root].privilege;
    }
};

/// A PropertyFilterSpec, read and checked once for a release. Immutable but for a cache: one
/// strand. A plan that was handed out may be read on any thread.
class Selection {
public:
    struct Node {
        TypeId type;
        PropertyPath path;
        bool skip;
        std::vector<std::size_t> next;
    };
    struct Start {
        MoRef object;
        bool skip;
        std::vector<std::size_t> next;
    };

    /// Throws InvalidArgument (limits, unknown selection names), InvalidType (unknown type names),
    /// InvalidProperty (unknown paths).
    static Selection compile(const vim::PropertyFilterSpec& spec, Release release,
                             SpecBudget& budget);

    /// Where several PropertySpecs match a type their paths are put together: those of the most
    /// derived type first, each path once. Holds until use_release().
    const TypePlan& plan(TypeId type) const;
    Release release() const { return release_; }
    /// Plans for another release from now on: `all` means what that one knows, and paths that came
    /// later are left out.
    void use_release(Release release);
    bool reports_missing() const { return reports_missing_; }
    std::size_t max_objects() const { return max_objects_; }
    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<Start>& starts() const { return starts_; }

    /// Throws ManagedObjectNotFound if a starting object is not there (for this reader).
    void check_starts(const Inventory& inventory, const Reader& reader) const;
    /// The fault for more objects than max_objects().
    vim::Fault too_many_objects() const;

private:
    struct Properties {
        TypeId type;
        bool all;
        std::vector<PropertyPath> paths;
    };
    class Compiler;

    TypePlan make_plan(TypeId type) const;
    static void add_path(TypePlan& plan, TypeId type, const PropertyPath& path);

    Release release_{};
    bool reports_missing_ = false;
    std::size_t max_objects_ = 0;
    std::vector<Node> nodes_;
    std::vector<Start> starts_;
    std::vector<Properties> properties_;
    mutable std::unordered_map<TypeId, TypePlan> plans_;
};

/// The references that a property's value holds: those of an array, or the one itself.
std::span<const Value> references_in(const Value& value);

/// The privileges of the plan that the reader does not hold on the object.
PrivilegeSet forbidden(const TypePlan& plan, const ManagedObject& object, const Reader& reader);

}  // namespace drover::model
