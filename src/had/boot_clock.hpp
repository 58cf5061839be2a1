#pragma once

#include <time.h>

#include "ha/protocol/ids.hpp"

namespace drover::had {

/// Any thread.
inline ha::Time boot_now() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return ha::Time{std::chrono::duration_cast<ha::Duration>(std::chrono::seconds{now.tv_sec}) +
                    ha::Duration{now.tv_nsec / 1000}};
}

}  // namespace drover::had
