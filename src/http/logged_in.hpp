#pragma once

#include "http/message.hpp"

namespace drover::http {

/// Says that whoever sent a request (Request::peer) has logged in: where all connections are taken,
/// those of strangers make room for a newcomer before its own does. From any thread.
void set_logged_in(Peer& peer);

}  // namespace drover::http
