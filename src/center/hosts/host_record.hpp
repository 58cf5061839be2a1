#pragma once

// What the store keeps of a host. The file is readable by the center alone: the password of its
// account on the host stands in it.

#include <string>

#include "center/hosts/hosts.hpp"
#include "store/store.hpp"

namespace drover::center {

inline constexpr std::string_view kHostKind = "host";

store::Record record_of(const Host& host);
/// Without a link. Throws std::runtime_error if it is none.
Host host_of(const store::Record& record);

}  // namespace drover::center
