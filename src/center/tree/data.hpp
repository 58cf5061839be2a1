#pragma once

// Data objects for which no C++ class is made: built and changed by the names of their properties.

#include <initializer_list>
#include <string_view>
#include <utility>

#include "vim/value.hpp"

namespace drover::center {

/// An object of a type with these properties. A name that the type does not have aborts.
vim::Value make_data(vim::TypeId type,
                     std::initializer_list<std::pair<std::string_view, vim::Value>> fields);

void set_property(vim::Value& object, std::string_view name, vim::Value value);

}  // namespace drover::center
