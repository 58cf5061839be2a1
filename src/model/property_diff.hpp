#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"
#include "vim/types.hpp"

namespace drover::model {

/// One step from an old value to a new one, as vim25's PropertyChange words it.
struct NestedChange {
    std::string path;
    vim::PropertyChangeOp op;
    Value value;  ///< unset for a removal, and for an assignment that unsets
};

/// The changes that lead from `old_value` to `new_value`, both found at `path`: nested as deep as
/// they are (`config.hardware.device[4000].summary`), elements of keyed arrays as add and remove,
/// anything else as an assignment. Applied in order they give exactly the new value. Properties
/// that `release` does not know are left out.
std::vector<NestedChange> diff(std::string_view path, const Value& old_value,
                               const Value& new_value, Release release);

}  // namespace drover::model
