#pragma once

// Property paths: "name", "config.hardware.numCPU",
// "config.hardware.device[4000].deviceInfo.label", "config.extraConfig[\"guestinfo.a\"].value",
// "vm[\"vm-12\"]".
//
// A step into an array needs a key; a path may end at a whole array. Elements are found by their
// type's key property (see key_property), references by their id. A property that only a subtype
// has ("info.vmfs.uuid", "config.hardware.device[2000].backing.fileName") is known as well, and
// unset in objects of other types.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"

namespace drover::model {

inline constexpr std::size_t kMaxPathLength = 1024;
inline constexpr std::size_t kMaxPathSteps = 24;

class PropertyPath {
public:
    /// Reads a path and checks it against the schema: `type` is a managed object type, `release`
    /// what the client knows. Throws InvalidProperty with the whole path as its name.
    static PropertyPath parse(TypeId type, std::string_view text, Release release);
    /// A property by its index.
    static PropertyPath of_property(TypeId type, PropertyIndex index);

    const std::string& text() const { return text_; }
    /// The property of the managed object at which it begins: a change of any other one can't
    /// touch the path.
    PropertyIndex root() const { return root_; }
    /// True for the bare name of a property.
    bool is_root() const { return steps_.empty() && !root_key_; }

    /// The release that knows the whole path.
    Release since() const { return since_; }

    /// True if the end of the path may hold references to managed objects.
    bool may_hold_references() const { return may_hold_references_; }

    /// The value at the end of the path, from the value of its root property. Unset if any step
    /// leads nowhere.
    Value evaluate(const Value& root_value) const;
    Value evaluate(const ManagedObject& object, const Reader& reader) const;
    /// True if the path ends at an element of an array ("config.hardware.device[4000]").
    bool ends_at_element() const;
    /// True if what holds the end of the path is there: the data object, or the array of an
    /// element.
    bool has_container(const Value& root_value) const;

private:
    struct Step {
        std::string name;
        PropertyIndex index_hint = 0;  // right for most types, checked at each use
        std::optional<std::string> key;
    };
    class Parser;

    const Value* walk(const Value& root_value) const;

    std::string text_;
    PropertyIndex root_ = 0;
    std::optional<std::string> root_key_;
    std::vector<Step> steps_;
    Release since_ = Release::oldest;
    bool may_hold_references_ = false;
};

/// The property by which elements of this data object type are known in an array ("key" mostly);
/// nullopt if there is none, and such arrays only change as a whole.
std::optional<std::uint16_t> key_property(TypeId element);

/// The key of an array's element as a path writes it between brackets: 4000 or "vm-12" with its
/// quotes. nullopt if it has none.
std::optional<std::string> element_key(const Value& element);

}  // namespace drover::model
