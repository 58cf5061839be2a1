#pragma once

// What a center says of alarms before anybody has defined one.

#include <vector>

#include "vim/alarms_types.hpp"

namespace drover::center {

/// The alarms of a new center, on its root folder: those of vCenter Server whose figures and states
/// there are here, with its names and limits.
std::vector<vim::AlarmSpec> default_alarms();

/// AlarmManager.defaultExpression: what a client offers as a beginning.
std::vector<vim::AlarmExpression> default_expressions();

/// AlarmManager.description.
vim::AlarmDescription describe_alarms();

}  // namespace drover::center
