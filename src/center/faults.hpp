#pragma once

#include <exception>

#include "vim/fault.hpp"

namespace drover::center {

/// The fault that fits what was thrown. A vim::Fault stays what it is.
vim::Fault fault_of(std::exception_ptr error);

}  // namespace drover::center
