#pragma once

#include <string>
#include <string_view>

#include "rootd/operations.hpp"

namespace drover::rootd {

/// Who asks, as the kernel says.
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
};

/// Carries out one request and gives the answer's text. Each request leaves a line in the log: who,
/// what, and how it ended. Never throws.
std::string answer(const Policy& policy, const std::string& version, const Peer& peer,
                   std::string_view request_text);

/// The answer to a peer that may not ask, or a message too long to read.
std::string refusal(const Peer& peer, std::string_view reason);

}  // namespace drover::rootd
