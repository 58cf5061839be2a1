#pragma once

// Which objects a PropertyFilterSpec selects, and which of their properties.

#include <bitset>
#include <cstddef>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/inventory.hpp"
#include "model/property_path.hpp"
#include "vim/types.hpp"

namespace drover::model {

/// More than any managed object type has (checked when a plan is made).
inline constexpr std::size_t kMaxProperties = 128;
using PropertySet = std::bitset<kMaxProperties>;

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
    Value name;  ///< the path's text, made once for all answers
    std::string_view privilege;
};

/// What a spec means for objects of one type.
struct TypePlan {
    bool selectable = false;  ///< some propSet names the type or a base of it
    std::vector<SelectedPath> paths;
    PropertySet watched;    ///< the properties where `paths` begin
    PropertySet traversed;  ///< those that lead on to other objects
};

/// A PropertyFilterSpec, read and checked once for a release. Immutable but for a cache: one
/// strand.
class Selection {
public:
    /// Throws InvalidArgument (limits, unknown selection names), InvalidType (unknown type names),
    /// InvalidProperty (unknown paths).
    static Selection compile(const vim::PropertyFilterSpec& spec, Release release,
                             SpecBudget& budget);

    /// Where several PropertySpecs match a type their paths are put together: those of the most
    /// derived type first, each path once.
    const TypePlan& plan(TypeId type) const;
    Release release() const { return release_; }
    bool reports_missing() const { return reports_missing_; }

    /// Throws ManagedObjectNotFound if a starting object is not there (for this reader).
    void check_starts(const Inventory& inventory, const Reader& reader) const;

    /// What a traversal meets, in traversal order: breadth first, lists in their own order.
    struct Visitor {
        /// An object, once for each way that it is met. `selected`: it belongs to the result.
        /// `passed`: its properties decide what else is met.
        std::function<void(const ManagedObject&, bool selected, bool passed)> object;
        /// A reference that leads to nothing that the reader can see.
        std::function<void(std::string_view id)> dangling;
        /// A starting object that is not there, or not for this reader.
        std::function<void(const MoRef&)> missing;
    };
    /// Walks each (object, traversal) once, so cycles of names end. No recursion.
    void traverse(const Inventory& inventory, const Reader& reader, const Visitor& visitor) const;

private:
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
    struct Properties {
        TypeId type;
        bool all;
        std::vector<PropertyPath> paths;
    };
    class Compiler;
    class Walk;

    TypePlan make_plan(TypeId type) const;

    Release release_{};
    bool reports_missing_ = false;
    std::size_t max_objects_ = 0;
    std::vector<Node> nodes_;
    std::vector<Start> starts_;
    std::vector<Properties> properties_;
    mutable std::unordered_map<TypeId, TypePlan> plans_;
};

}  // namespace drover::model
