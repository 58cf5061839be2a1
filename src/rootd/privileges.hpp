#pragma once

namespace drover::rootd {

/// Gives up for ever, for this process and all it may start: every capability but those that the
/// operations need (CHOWN, FOWNER, FSETID, DAC_OVERRIDE, DAC_READ_SEARCH, NET_ADMIN), and the
/// chance to gain new ones. Call it before any thread starts. Throws std::system_error.
void drop_privileges();

}  // namespace drover::rootd
