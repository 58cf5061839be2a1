#pragma once

#include <string>

#include "cli/context.hpp"

namespace drover::cli {

/// The task of this reference ("task-12").
vim::MoRef task_reference(const std::string& text);

/// "PowerOnVM_Task" of a task, however the server spells it.
std::string task_title(const vim::TaskInfo& info);

/// Who or what started it.
std::string task_initiator(const vim::TaskInfo& info);

}  // namespace drover::cli
