#pragma once

#include "service/history/collectors.hpp"
#include "task/tasks.hpp"

namespace drover::service {

/// Makes the TaskManager object. Before Tasks, which keeps its recentTask.
void create_task_manager(model::Inventory& inventory, const vim::MoRef& manager);

/// Serves the methods of Task and TaskManager. `root` is the inventory's root folder.
void serve_tasks(task::Dispatcher& dispatcher, task::Tasks& tasks, model::Inventory& inventory,
                 HistoryCollectors& collectors, const vim::MoRef& manager, const vim::MoRef& root);

}  // namespace drover::service
