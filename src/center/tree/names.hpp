#pragma once

#include <string>
#include <string_view>

#include "vim/fault.hpp"

namespace drover::center {

/// A name as the inventory keeps it: "/", "\" and "%" escaped as %2f, %5c and %25 unless they are
/// already. InvalidName if it is empty, longer than 80 characters, not UTF-8, or has control
/// characters; `parameter` says which one it was.
std::string checked_name(std::string_view name, std::string_view parameter);

/// DuplicateName for a name that `holder` has.
vim::Fault duplicate_name(std::string_view name, const vim::MoRef& holder);

}  // namespace drover::center
