#pragma once

// What people read of each kind of task.

#include <map>
#include <string>

#include "vim/types.hpp"

namespace drover::service {

/// "Power On virtual machine" for "VirtualMachine.powerOn". One that is not in the table gets the
/// words of its method's name ("Reconfigure VM"), or else its id.
std::string task_label(const std::string& description_id, const std::string& method);

/// TaskManager.description; `kinds` are description ids and their methods.
vim::TaskDescription describe_tasks(const std::map<std::string, std::string>& kinds);

}  // namespace drover::service
