#pragma once

#include <string>

#include "vim/schema.hpp"

namespace drover::vim {

/// The sentence that a fault of this type says when its thrower has nothing more precise to say.
/// For a type without a text of its own it is made of the type's name. Never empty; any thread.
std::string default_fault_text(TypeId fault);

}  // namespace drover::vim
