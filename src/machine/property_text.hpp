#pragma once

// Properties of data objects by dotted path, and scalar values as the text of a .vmx file. What is
// a number or a boolean is read off the schema.

#include <optional>
#include <string>
#include <string_view>

#include "vim/data_handle.hpp"

namespace drover::machine {

/// The value at "flags.enableLogging"; unset if it or an object on the way is. The path must exist
/// in the schema.
vim::Value get_path(const vim::Value& object, std::string_view path);

/// The object with that property set; objects on the way are made as needed. One that is given away
/// (std::move) and shared with nobody is changed in place.
vim::Value with_path(vim::Value object, std::string_view path, const vim::Value& value);

/// The schema's type of the property.
vim::TypeId type_of_path(vim::TypeId object, std::string_view path);

/// A boolean, int, long, string or enumeration from its text; nothing if it is malformed.
std::optional<vim::Value> value_from_text(vim::TypeId type, std::string_view text);

/// The reverse ("TRUE", "42", ...); empty for an unset value.
std::string value_to_text(const vim::Value& value);

}  // namespace drover::machine
