#pragma once

// Task objects: what a client watches while a long operation runs.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "task/dispatcher.hpp"
#include "task/runtime.hpp"
#include "vim/fault.hpp"

namespace drover::task {

/// The running operation's side of its Task. Belongs to the strand.
class TaskContext {
public:
    const vim::MoRef& ref() const { return ref_; }
    /// 0 to 100; shown to clients at most once for each value.
    void set_progress(int percent);
    /// What is going on, in words ("Copying the disk").
    void set_description(std::string text);
    /// True once somebody called CancelTask. Operations that can stop look now and then.
    bool cancelled() const { return cancelled_; }
    /// Throws RequestCanceled if cancelled().
    void check_cancelled() const;
    /// Called on the strand at CancelTask; replaces the callback before.
    void on_cancel(std::function<void()> callback) { on_cancel_ = std::move(callback); }

private:
    friend class Tasks;
    class Tasks* owner_ = nullptr;
    vim::MoRef ref_;
    bool cancelled_ = false;
    std::function<void()> on_cancel_;
};

using TaskContextPtr = std::shared_ptr<TaskContext>;
using TaskBody = std::function<Awaitable<vim::Value>(TaskContextPtr)>;

struct TaskSpec {
    std::string description_id;  ///< "VirtualMachine.powerOn"
    vim::MoRef entity;
    std::string entity_name;
    const vim::MethodDescriptor* method = nullptr;  ///< TaskInfo.name; may be null
    std::string user;                               ///< empty: the system itself
    bool cancelable = false;
};

/// Turns what a body has thrown into a fault. A vim::Fault stays what it is; what the products' own
/// libraries throw (storage, hypervisor, ...) becomes the fault that fits.
using FaultOf = std::function<vim::Fault(std::exception_ptr)>;

/// All tasks of the service. Ended ones stay to be read for ten minutes. Belongs to the strand.
class Tasks {
public:
    static constexpr std::chrono::minutes kKept{10};
    static constexpr std::size_t kMostTasks = 20'000;

    /// `manager` is the TaskManager object; its recentTask follows.
    Tasks(Runtime& runtime, model::Inventory& inventory, vim::MoRef manager, FaultOf fault_of);

    /// Makes a Task and starts its body on the strand. What the body returns becomes the result, a
    /// fault that it throws the error.
    vim::MoRef start(TaskSpec spec, TaskBody body);

    /// For a dispatcher: a method that starts a task on the object it is called on.
    using MethodBody = std::function<Awaitable<vim::Value>(Call, TaskContextPtr)>;
    void add_method(Dispatcher& dispatcher, std::string_view method, std::string description_id,
                    MethodBody body, bool cancelable = false);

    /// CancelTask. InvalidState if it has ended, NotSupported if it can't be cancelled.
    void cancel(const vim::MoRef& task);

    /// The newest task of an entity that has not ended.
    std::optional<vim::MoRef> running_on(const vim::MoRef& entity) const;

    /// Forgets tasks that ended longer than kKept ago. Those of destroyed entities stay as long, so
    /// that a client learns how Destroy_Task ended.
    void expire();

private:
    friend class TaskContext;
    struct Entry {
        TaskContextPtr context;
        vim::MoRef entity;
        base::WallTime ended{};
        bool is_running = true;
        bool cancelable = false;
    };

    void update(const vim::MoRef& task, const std::function<void(vim::TaskInfo&)>& change);
    void finish(const vim::MoRef& task, const vim::Value& result, const vim::Fault* fault);
    void publish_lists(model::Transaction& transaction, const vim::MoRef& entity);
    Awaitable<void> run(TaskContextPtr context, TaskBody body);

    Runtime& runtime_;
    model::Inventory& inventory_;
    vim::MoRef manager_;
    FaultOf fault_of_;
    std::map<std::string, Entry> entries_;
    std::deque<vim::MoRef> order_;  // oldest first
    std::uint64_t next_ = 1;
};

}  // namespace drover::task
