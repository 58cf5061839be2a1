#pragma once

#include <string>

#include "vim/fault.hpp"

namespace drover::cli {

/// What a fault means, for people: the server's sentence, or one of ours if it sent none, the facts
/// that the fault carries, and its type in parentheses.
std::string fault_text(const vim::Fault& fault);

}  // namespace drover::cli
