#pragma once

// Which calls the audit log tells of, and what of their parameters. Private to this directory.

#include <nlohmann/json.hpp>

#include "vim/fault.hpp"
#include "vim/types.hpp"

namespace drover::service {

/// Whether a method can change something, or opens a way in. Those that only read are many and tell
/// nothing.
bool is_audited(const vim::MethodDescriptor& method);

/// References, numbers, flags, enumerations and short texts, two levels deep. Secrets are left out;
/// so are the values of options, which may hold anything. Bounded, whatever was sent.
nlohmann::ordered_json audited_parameters(const vim::Value& request);

}  // namespace drover::service
