#pragma once

// Data objects for which no C++ class is made: built by the names of their properties.

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "vim/data_handle.hpp"

namespace drover::host {

using Fields = std::initializer_list<std::pair<std::string_view, vim::Value>>;

/// An object of a type with these properties. A name that the type does not have aborts.
vim::DataHandle make_data(vim::TypeId type, Fields fields);

/// The same object with some properties set to other values.
vim::DataHandle with(const vim::DataHandle& object, Fields fields);

/// An object whose boolean properties are all false; the others are unset.
vim::DataHandle all_false(vim::TypeId type);

vim::Value text_value(std::string_view text);
vim::Value texts_value(const std::vector<std::string_view>& texts);

}  // namespace drover::host
