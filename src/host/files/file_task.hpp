#pragma once

// Methods that start a task on files, and how such a task is watched and cancelled.

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/context.hpp"
#include "storage/blobs.hpp"

namespace drover::host::files {

/// Checks a call (on the strand; a fault is the call's) and gives what then runs as its task.
using Plan = std::function<task::TaskBody(const task::Call&)>;

/// What the task is said to work on.
using EntityOf = std::function<vim::MoRef(const task::Call&)>;

/// Serves a method that returns a cancelable task.
void add_task_method(const HostContext& context, std::string_view method,
                     std::string description_id, EntityOf entity, Plan plan);

/// Ties a long operation of the storage to its task: progress in, cancel out. Make it on the
/// strand; the operation uses control() on its own thread.
class Watch {
public:
    Watch(task::Runtime& runtime, const task::TaskContextPtr& task);

    storage::CopyControl control() const { return control_; }
    std::stop_token stop() const { return control_.stop; }

private:
    storage::CopyControl control_;
};

}  // namespace drover::host::files
