#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/machines/machine.hpp"
#include "plan/cpu/evc_mode.hpp"

namespace drover::host {

/// Where it is written: a note of the domain, a key of the suspended machine's file.
inline constexpr std::string_view kMetadataCpu = "cpu";
inline constexpr std::string_view kCpuKey = "drover.cpu";

/// plan::text_of() of what the machine's guest has seen of a CPU; empty if it is powered off, or
/// was started by a release that did not note it.
std::string seen_cpu_text(const Machine& machine);

/// The same, read.
std::optional<plan::Cpu> seen_cpu(const Machine& machine);

}  // namespace drover::host
