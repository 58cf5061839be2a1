#include "task/tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "model/test_world.hpp"
#include "task/test_runtime.hpp"
#include "vim/properties.hpp"

namespace drover::task {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using vim::MoRef;
using vim::TaskInfoState;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

vim::Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const std::exception& failure) {
        return vim::make_fault<vim::SystemError>(failure.what());
    }
}

class TasksTest : public testing::Test {
protected:
    TasksTest() {
        model::Transaction transaction(world_.inventory);
        transaction.create(manager_.type, manager_.id);
        transaction.commit();
        machine_ = world_.add_machine(1);
        tasks_.emplace(test_.runtime, world_.inventory, manager_, fault_of);
    }

    TaskSpec spec(bool cancelable = false) const {
        TaskSpec made;
        made.description_id = "VirtualMachine.powerOn";
        made.entity = machine_;
        made.entity_name = "machine1";
        made.method = vim::find_method("PowerOnVM_Task");
        made.user = "root";
        made.cancelable = cancelable;
        return made;
    }

    vim::TaskInfo info(const MoRef& task) const {
        return vim::TaskInfo(world_.inventory.get(task).property(property::Task::info));
    }

    std::vector<std::string> recent(
        const MoRef& object, std::uint16_t index,
        const model::testing::TestReader& reader = model::testing::TestReader("alice")) const {
        std::vector<std::string> ids;
        const Value list = world_.inventory.get(object).read(index, reader);
        if (!list) return ids;
        for (const Value& item : list.elements()) ids.emplace_back(item.moref_id());
        return ids;
    }

    /// A task that runs until release() is called.
    MoRef start_waiting(bool cancelable = false) {
        return tasks_->start(spec(cancelable), [this](TaskContextPtr) { return wait(); });
    }
    Awaitable<Value> wait() {
        while (!released_) co_await test_.runtime.sleep(1ms);
        co_return Value{};
    }
    void finish(const MoRef& task) {
        released_ = true;
        test_.run_until([&] { return info(task).state() != TaskInfoState::running; });
    }

    TestRuntime test_;
    model::testing::World world_;
    MoRef manager_{TypeId::TaskManager, "ha-taskmgr"};
    MoRef machine_;
    bool released_ = false;
    std::optional<Tasks> tasks_;
};

TEST_F(TasksTest, ATaskTellsWhatItIsWhileItRuns) {
    const MoRef task = start_waiting();
    test_.settle();
    const auto running = info(task);
    EXPECT_EQ(running.key(), task.id);
    EXPECT_EQ(running.task(), task);
    EXPECT_EQ(running.name(), "PowerOnVM_Task");
    EXPECT_EQ(running.descriptionId(), "VirtualMachine.powerOn");
    EXPECT_EQ(running.entity(), machine_);
    EXPECT_EQ(running.entityName(), "machine1");
    EXPECT_EQ(running.state(), TaskInfoState::running);
    EXPECT_FALSE(running.cancelled());
    EXPECT_EQ(running.startTime(), test_.clock.wall_now());
    EXPECT_FALSE(running.completeTime());
    EXPECT_EQ(running.reason().as<vim::TaskReasonUser>().userName(), "root");
    EXPECT_THAT(recent(manager_, property::TaskManager::recentTask), ElementsAre(task.id));
    EXPECT_THAT(recent(machine_, property::VirtualMachine::recentTask), ElementsAre(task.id));
    model::testing::TestReader stranger("bob");
    stranger.hidden.insert(machine_.id);
    EXPECT_THAT(recent(manager_, property::TaskManager::recentTask, stranger), IsEmpty());
    EXPECT_EQ(tasks_->running_on(machine_), task);
    finish(task);
    EXPECT_EQ(tasks_->running_on(machine_), std::nullopt);
}

TEST_F(TasksTest, ItsResultAndItsEndAreKept) {
    const MoRef task = tasks_->start(spec(), [this](TaskContextPtr context) -> Awaitable<Value> {
        context->set_progress(40);
        context->set_description("Copying the disk");
        co_await test_.runtime.sleep(1ms);
        co_return Value::moref(machine_);
    });
    test_.settle();
    EXPECT_EQ(info(task).progress(), 40);
    EXPECT_EQ(info(task).description().message(), "Copying the disk");
    test_.clock.advance(3s);
    finish(task);
    const auto ended = info(task);
    EXPECT_EQ(ended.state(), TaskInfoState::success);
    EXPECT_EQ(ended.result().as_moref(), machine_);
    EXPECT_EQ(ended.completeTime(), test_.clock.wall_now());
    EXPECT_FALSE(ended.progress());
    EXPECT_FALSE(ended.error());
}

TEST_F(TasksTest, ProgressIsAPercentage) {
    std::vector<std::optional<std::int32_t>> seen;
    const MoRef task = tasks_->start(spec(), [&](TaskContextPtr context) -> Awaitable<Value> {
        for (const int percent : {-5, 30, 250}) {
            context->set_progress(percent);
            seen.push_back(info(context->ref()).progress());
        }
        co_return Value{};
    });
    finish(task);
    EXPECT_THAT(seen, ElementsAre(0, 30, 100));
}

TEST_F(TasksTest, AnEntityShowsItsNewestTasks) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < Tasks::kMostOfEntity + 10; ++i) ids.push_back(start_waiting().id);
    const auto shown = recent(machine_, property::VirtualMachine::recentTask);
    EXPECT_EQ(shown.size(), Tasks::kMostOfEntity);
    EXPECT_EQ(shown.back(), ids.back());
    EXPECT_THAT(recent(manager_, property::TaskManager::recentTask), testing::SizeIs(ids.size()));
    released_ = true;
    test_.run_until([&] { return !tasks_->running_on(machine_); });
}

TEST_F(TasksTest, OnlyTasksOfClientsAreChangedByClients) {
    const MoRef own = start_waiting();
    EXPECT_EQ(fault_name([&] { tasks_->set_progress(own, 10); }), "InvalidState");
    finish(own);
    const auto made = tasks_->create_foreign(spec());
    EXPECT_EQ(made.state(), TaskInfoState::queued);
    EXPECT_EQ(tasks_->running_on(machine_), made.task());
    EXPECT_EQ(fault_name([&] { tasks_->set_state(made.task(), TaskInfoState::error, {}, {}); }),
              "InvalidArgument");
    tasks_->set_state(made.task(), TaskInfoState::success, Value::string("done"), {});
    EXPECT_EQ(info(made.task()).result().as_string(), "done");
    EXPECT_EQ(tasks_->running_on(machine_), std::nullopt);
}

TEST_F(TasksTest, AnObserverSeesTheEndBeforeAnybodyElse) {
    struct Observer : TaskObserver {
        std::int32_t task_started(const vim::TaskInfo&, const Value&) override { return 42; }
        void task_changed(const vim::TaskInfo& changed) override {
            if (changed.state() == TaskInfoState::success) {
                before = tasks->info(changed.task()).state();
            }
        }
        const Tasks* tasks = nullptr;
        std::optional<TaskInfoState> before;
    } observer;
    observer.tasks = &*tasks_;
    tasks_->observe(&observer);
    const MoRef task = start_waiting();
    EXPECT_EQ(info(task).eventChainId(), 42);
    finish(task);
    EXPECT_EQ(observer.before, TaskInfoState::running);
}

TEST_F(TasksTest, AFaultBecomesItsErrorAtOnceAndLater) {
    for (const bool at_once : {true, false}) {
        const MoRef task =
            tasks_->start(spec(), [this, at_once](TaskContextPtr) -> Awaitable<Value> {
                if (!at_once) co_await test_.runtime.sleep(1ms);
                throw vim::invalid_argument("spec.name", "The name is empty.");
            });
        finish(task);
        const auto ended = info(task);
        EXPECT_EQ(ended.state(), TaskInfoState::error);
        EXPECT_EQ(ended.error().localizedMessage(), "The name is empty.");
        EXPECT_EQ(ended.error().fault().as<vim::InvalidArgument>().invalidProperty(), "spec.name");
        EXPECT_FALSE(ended.result());
    }
}

TEST_F(TasksTest, OtherExceptionsGoThroughTheFaultOfTheProduct) {
    const MoRef task = tasks_->start(spec(), [](TaskContextPtr) -> Awaitable<Value> {
        throw std::runtime_error("wires crossed");
        co_return Value{};
    });
    finish(task);
    EXPECT_EQ(info(task).error().fault().dynamic_type(), TypeId::SystemError);
    EXPECT_EQ(info(task).error().localizedMessage(), "wires crossed");
}

TEST_F(TasksTest, ProgressAfterTheEndChangesNothing) {
    TaskContextPtr kept;
    const MoRef task = tasks_->start(spec(), [&kept](TaskContextPtr context) -> Awaitable<Value> {
        kept = std::move(context);
        co_return Value{};
    });
    finish(task);
    kept->set_progress(99);
    EXPECT_FALSE(info(task).progress());
}

TEST_F(TasksTest, CancellingReachesTheOperation) {
    int called = 0;
    const MoRef task = tasks_->start(spec(true), [&](TaskContextPtr context) -> Awaitable<Value> {
        context->on_cancel([&called] { ++called; });
        while (true) {
            context->check_cancelled();
            co_await test_.runtime.sleep(1ms);
        }
    });
    test_.settle();
    EXPECT_TRUE(info(task).cancelable());
    tasks_->cancel(task);
    tasks_->cancel(task);
    EXPECT_EQ(called, 1);
    EXPECT_TRUE(info(task).cancelled());
    finish(task);
    EXPECT_EQ(info(task).state(), TaskInfoState::error);
    EXPECT_EQ(info(task).error().fault().dynamic_type(), TypeId::RequestCanceled);
    EXPECT_FALSE(info(task).cancelable());
}

TEST_F(TasksTest, RefusesToCancelWhatCannotBeCancelled) {
    const MoRef task = start_waiting();
    EXPECT_EQ(fault_name([&] { tasks_->cancel(task); }), "NotSupported");
    EXPECT_FALSE(info(task).cancelled());
    finish(task);
    EXPECT_EQ(fault_name([&] { tasks_->cancel(task); }), "InvalidState");
    EXPECT_EQ(fault_name([&] { tasks_->cancel({TypeId::Task, "task-none"}); }),
              "ManagedObjectNotFound");
}

TEST_F(TasksTest, EndedTasksAreKeptForTenMinutesAndRunningOnesForEver) {
    const MoRef ended = start_waiting();
    finish(ended);
    released_ = false;
    const MoRef running = start_waiting();
    test_.clock.advance(Tasks::kKept - 1us);
    tasks_->expire();
    EXPECT_NE(world_.inventory.find(ended), nullptr);
    test_.clock.advance(1us);
    tasks_->expire();
    EXPECT_EQ(world_.inventory.find(ended), nullptr);
    EXPECT_THAT(recent(machine_, property::VirtualMachine::recentTask), ElementsAre(running.id));
    EXPECT_THAT(recent(manager_, property::TaskManager::recentTask), ElementsAre(running.id));
    test_.clock.advance(24h);
    tasks_->expire();
    EXPECT_NE(world_.inventory.find(running), nullptr);
    finish(running);
}

TEST_F(TasksTest, ATaskOutlivesTheObjectThatItDestroyed) {
    const MoRef task = tasks_->start(spec(), [this](TaskContextPtr) -> Awaitable<Value> {
        world_.remove_machine(machine_);
        co_return Value{};
    });
    finish(task);
    EXPECT_EQ(info(task).state(), TaskInfoState::success);
    EXPECT_EQ(info(task).entity(), machine_);
    test_.clock.advance(Tasks::kKept + 1s);
    tasks_->expire();
    EXPECT_EQ(world_.inventory.find(task), nullptr);
    EXPECT_THAT(recent(manager_, property::TaskManager::recentTask), IsEmpty());
}

TEST_F(TasksTest, ReferencesDifferWithinOneInstant) {
    std::set<std::string> ids;
    for (int i = 0; i < 200; ++i) ids.insert(start_waiting().id);
    EXPECT_EQ(ids.size(), 200u);
    released_ = true;
    test_.run_until([&] { return !tasks_->running_on(machine_); });
}

TEST_F(TasksTest, AMethodOfTheDispatcherStartsATaskForItsCaller) {
    Dispatcher dispatcher(world_.inventory,
                          [](const Caller&, const MoRef&, std::string_view) { return true; });
    MoRef seen;
    tasks_->add_method(dispatcher, "PowerOnVM_Task", "VirtualMachine.powerOn",
                       [&seen](Call call, TaskContextPtr) -> Awaitable<Value> {
                           seen = call.self;
                           co_return Value{};
                       });
    auto caller = std::make_shared<Caller>();
    caller->session_key = "key";
    caller->user = "alice";
    const auto* method = vim::find_method("PowerOnVM_Task");
    const Value result =
        test_.run(dispatcher.invoke({machine_, method, vim::make_object(method->request), caller}));
    const MoRef task = result.as_moref();
    finish(task);
    EXPECT_EQ(seen, machine_);
    EXPECT_EQ(info(task).entityName(), "machine1");
    EXPECT_EQ(info(task).reason().as<vim::TaskReasonUser>().userName(), "alice");
}

}  // namespace
}  // namespace drover::task
