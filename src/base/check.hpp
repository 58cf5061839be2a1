#pragma once

namespace drover::base {

/// Prints what failed and where, then aborts. Never returns.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace drover::base

/// A programmer's assertion. It stays on in release builds and stops the process; input from
/// outside must never be able to reach one (it gets a fault instead).
#define DROVER_CHECK(expression)                                           \
    do {                                                                   \
        if (!(expression)) [[unlikely]]                                    \
            ::drover::base::check_failed(#expression, __FILE__, __LINE__); \
    } while (false)
