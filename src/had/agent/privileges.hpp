#pragma once

#include <string>

namespace drover::had {

/// Becomes this user, who may then end machines and the host, and no more.
void become(const std::string& user);

}  // namespace drover::had
