#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "task/runtime.hpp"

namespace drover::host {

/// Runs work(0), work(1), ... work(count - 1), at most `width` of them at a time, and comes back
/// when all have ended. What one throws is logged under `name` and ends only that one. On the
/// strand.
task::Awaitable<void> side_by_side(task::Runtime& runtime, std::string name, std::size_t count,
                                   std::size_t width,
                                   std::function<task::Awaitable<void>(std::size_t)> work);

}  // namespace drover::host
