#pragma once

// Task objects: what a client watches while a long operation runs.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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
    /// Clamped to 0 to 100; shown to clients at most once for each value.
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
    vim::Value request;  ///< the parameters of the method, for observers; may be unset
    std::string parent_key;
    std::string activation_id;
};

/// Learns of every task. Called on the strand; must not begin a transaction nor start a task.
class TaskObserver {
public:
    virtual ~TaskObserver() = default;
    /// Before anybody can see it. Returns the chain of events that the task belongs to.
    virtual std::int32_t task_started(const vim::TaskInfo& info, const vim::Value& request) = 0;
    /// State, progress, result, ...; the end is a change too.
    virtual void task_changed(const vim::TaskInfo& info) = 0;
};

/// Turns what a body has thrown into a fault. A vim::Fault stays what it is; what the products' own
/// libraries throw (storage, hypervisor, ...) becomes the fault that fits.
using FaultOf = std::function<vim::Fault(std::exception_ptr)>;

/// All tasks of the service. Ended ones stay to be read for ten minutes, unless set_kept() says
/// otherwise or there are too many. Belongs to the strand.
class Tasks {
public:
    static constexpr std::chrono::minutes kKept{10};
    /// Running and ended ones together. At this number the oldest ended one is forgotten early.
    static constexpr std::size_t kMostTasks = 20'000;
    /// Open ones that clients made with CreateTask; they alone end those.
    static constexpr std::size_t kMostForeign = 1'000;
    /// What an entity's recentTask shows at most: the newest.
    static constexpr std::size_t kMostOfEntity = 100;

    /// `manager` is the TaskManager object; its recentTask follows.
    Tasks(Runtime& runtime, model::Inventory& inventory, vim::MoRef manager, FaultOf fault_of);

    /// At most one; it must outlive the tasks, or be taken away by nullptr.
    void observe(TaskObserver* observer) { observer_ = observer; }

    /// Makes a Task and starts its body on the strand. What the body returns becomes the result, a
    /// fault that it throws the error. Throws SystemError if kMostTasks are running.
    vim::MoRef start(TaskSpec spec, TaskBody body);

    /// CreateTask: a queued task whose client moves it on by set_state() and the rest.
    vim::TaskInfo create_foreign(TaskSpec spec);

    /// For a dispatcher: a method that starts a task on the object it is called on.
    using MethodBody = std::function<Awaitable<vim::Value>(Call, TaskContextPtr)>;
    void add_method(Dispatcher& dispatcher, std::string_view method, std::string description_id,
                    MethodBody body, bool cancelable = false);

    /// Says that tasks of this kind may come, for methods that don't go through add_method().
    void declare(std::string description_id, std::string_view method);
    /// TaskInfo.descriptionId and the method of everything that was declared.
    const std::map<std::string, std::string>& declared() const { return declared_; }

    /// CancelTask. InvalidState if it has ended, NotSupported if it can't be cancelled.
    void cancel(const vim::MoRef& task);

    // SetTaskState, UpdateProgress and SetTaskDescription, as the API documents them. InvalidState
    // unless the task was made by create_foreign() and may be changed so.
    void set_state(const vim::MoRef& task, vim::TaskInfoState state, const vim::Value& result,
                   const vim::LocalizedMethodFault& fault);
    void set_progress(const vim::MoRef& task, std::int32_t percent);
    void set_description(const vim::MoRef& task, const vim::LocalizableMessage& description);

    /// The newest task of an entity that has not ended.
    std::optional<vim::MoRef> running_on(const vim::MoRef& entity) const;
    /// Its TaskInfo; unset if there is no such task (any more).
    vim::TaskInfo info(const vim::MoRef& task) const;
    /// All of them, oldest first.
    std::vector<vim::TaskInfo> all() const;

    /// How long ended tasks stay from now on.
    void set_kept(std::chrono::minutes kept) { kept_ = kept; }

    /// Forgets tasks that ended longer ago than they are kept. Those of destroyed entities stay as
    /// long, so that a client learns how Destroy_Task ended.
    void expire();

private:
    friend class TaskContext;
    struct Entry {
        TaskContextPtr context;
        vim::MoRef entity;
        std::uint64_t number = 0;  // in order_
        base::WallTime ended{};
        bool is_running = true;
        bool cancelable = false;
        bool is_foreign = false;
    };

    TaskContextPtr add(const TaskSpec& spec, vim::TaskInfoState state, bool is_foreign);
    void make_room();
    void forget(model::Transaction& transaction, const std::string& id);
    void update(const vim::MoRef& task, const std::function<void(vim::TaskInfo&)>& change);
    void finish(const vim::MoRef& task, const vim::Value& result,
                const vim::LocalizedMethodFault& fault);
    Entry& foreign(const vim::MoRef& task);
    void touch_recent(model::Transaction& transaction);
    void publish_entity(model::Transaction& transaction, const vim::MoRef& entity);
    Awaitable<void> run(TaskContextPtr context, TaskBody body);

    Runtime& runtime_;
    model::Inventory& inventory_;
    vim::MoRef manager_;
    FaultOf fault_of_;
    TaskObserver* observer_ = nullptr;
    std::unordered_map<std::string, Entry> entries_;
    std::map<std::uint64_t, vim::MoRef> order_;  // oldest first
    std::deque<std::string> ended_;              // in the order in which they ended
    std::unordered_map<std::string, std::deque<vim::MoRef>> of_entity_;
    std::map<std::string, std::string> declared_;
    std::size_t foreign_open_ = 0;
    std::uint64_t next_ = 1;
    std::int64_t stamp_ = 0;  // of the newest reference
    std::chrono::minutes kept_ = kKept;
};

}  // namespace drover::task
