#pragma once

#include "task/tasks.hpp"

namespace drover::service {

/// Makes the TaskManager object. Before Tasks, which keeps its recentTask.
void create_task_manager(model::Inventory& inventory, const vim::MoRef& manager);

/// Serves the methods of Task.
void serve_tasks(task::Dispatcher& dispatcher, task::Tasks& tasks);

}  // namespace drover::service
