#pragma once

#include <string_view>

#include "vim/types.hpp"

namespace drover::center {

/// The value of a property after a change somewhere below it. `rest` is the change's path behind
/// the property's name: ".hardware.device[4000].backing", "[\"vm-12\"]", or nothing for the
/// property itself. A path that leads nowhere changes nothing, nor does a value that the schema
/// does not allow there: what comes over the wire with a type of its own may be anything.
vim::Value apply_change(const vim::Value& value, const vim::PropertyDescriptor& property,
                        std::string_view rest, vim::PropertyChangeOp op, const vim::Value& changed);

}  // namespace drover::center
