#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "client/connection.hpp"
#include "client/properties.hpp"

namespace drover::client {

/// Watches properties of one object: calls `seen` with their values at first and after each
/// change, until it says true (then true) or `limit` has passed (then false). The server is not
/// polled. Throws vim::Fault (ManagedObjectNotFound when the object goes) and ConnectionError.
bool watch(Connection& connection, const vim::MoRef& object, const std::vector<std::string>& paths,
           const std::function<bool(const Properties&)>& seen,
           std::chrono::milliseconds limit = std::chrono::hours(24 * 365));

/// Called with a task's state at first and after each change.
using TaskProgress = std::function<void(const vim::TaskInfo&)>;

/// Waits until a task has ended well; its last state with the result. Throws the fault that ended
/// it, and what watch throws.
vim::TaskInfo wait_for_task(Connection& connection, const vim::MoRef& task,
                            const TaskProgress& progress = {});

/// The fault that ended a task.
vim::Fault task_fault(const vim::TaskInfo& info);

}  // namespace drover::client
