#pragma once

// Logging for every library. Lines go to standard error, where systemd or the sandbox collects
// them. Secrets never belong into a log line: pass names, not values.

#include <fmt/format.h>

#include <string_view>

namespace drover::base {

enum class LogLevel { debug, info, warning, error };

/// Sets what is written from now on. Thread-safe. The default is `info`.
void set_log_level(LogLevel level);

/// True if a line of this level would be written; lets callers skip costly formatting.
bool log_enabled(LogLevel level);

/// Writes one line. Thread-safe; never throws. Control characters in the text are escaped, so that
/// hostile names can't forge lines.
void log_line(LogLevel level, std::string_view text) noexcept;

template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
    log(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    log(LogLevel::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    log(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    log(LogLevel::error, format, std::forward<Args>(args)...);
}

}  // namespace drover::base
