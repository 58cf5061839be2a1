#pragma once

#include <functional>
#include <string_view>

namespace drover::base {

/// Log lines that begin so tell who did what; they go to the audit sink as well.
inline constexpr std::string_view kAuditPrefix = "audit: ";

/// Where audit lines go besides the log, without the prefix. An empty function ends it. The sink is
/// called on any thread and must not throw, log or set a sink. Thread-safe.
void set_audit_sink(std::function<void(std::string_view line)> sink);

}  // namespace drover::base
