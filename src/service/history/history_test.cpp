// Events, tasks and their collectors over a real history and a small inventory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"
#include "service/history/event_catalog.hpp"
#include "service/history/event_filter.hpp"
#include "service/history/event_manager.hpp"
#include "service/history/task_history.hpp"
#include "service/task_manager.hpp"
#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"

namespace drover::service {
namespace {

using namespace std::chrono_literals;
using task::fault_name;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

vim::Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const std::exception& failure) {
        return vim::make_fault<vim::SystemError>(failure.what());
    }
}

class HistoryTest : public testing::Test {
protected:
    HistoryTest() {
        machine_ = world_.add_machine(1);
        other_ = world_.add_machine(2);
        create_task_manager(world_.inventory, task_manager_);
        open();
    }

    void open() {
        history_ = store::open_sqlite_history(directory_.path() / "history.db");
        tasks_.emplace(test_.runtime, world_.inventory, task_manager_, fault_of);
        events_.emplace(EventHistory::Parts{test_.runtime, world_.inventory, *history_, manager_,
                                            world_.root, world_.vm_folder, nullptr});
        collectors_.emplace(
            HistoryCollectors::Parts{test_.runtime, random_, world_.inventory, *history_});
        task_history_.emplace(TaskHistory::Parts{world_.inventory, *history_, *events_,
                                                 *collectors_, world_.root, world_.vm_folder});
        tasks_->observe(&*task_history_);
        dispatcher_.emplace(world_.inventory, [](const auto&, const auto&, auto) { return true; });
        event_manager_.emplace(EventManager::Parts{test_.runtime, world_.inventory, *dispatcher_,
                                                   *history_, *events_, *collectors_, manager_,
                                                   world_.root});
        collectors_->serve(*dispatcher_);
        serve_tasks(*dispatcher_, *tasks_, world_.inventory, *collectors_, task_manager_,
                    world_.root);
    }

    template <class Request>
    Value call(const MoRef& self, const char* method, const Request& request,
               const std::string& session = "alice") {
        auto caller = std::make_shared<task::Caller>();
        caller->session_key = session;
        caller->user = session;
        return test_.run(
            dispatcher_->invoke({self, vim::find_method(method), request.raw(), caller}));
    }
    Value call(const MoRef& self, const char* method) {
        return call(self, method,
                    vim::DataHandle(vim::make_object(vim::find_method(method)->request)));
    }

    std::int32_t power_on(const MoRef& machine, const std::string& user = "root") {
        auto argument = vim::VmEventArgument::make();
        argument.set_vm(machine);
        argument.set_name("m");
        auto event = vim::VmPoweredOnEvent::make();
        event.set_vm(argument);
        event.set_template(false);
        test_.clock.advance(1s);
        return events_->post(event, user);
    }
    std::int32_t log_in(const std::string& user) {
        auto event = vim::UserLoginSessionEvent::make();
        event.set_ipAddress("10.0.0.9");
        event.set_locale("en");
        event.set_sessionId("s");
        test_.clock.advance(1s);
        return events_->post(event, user);
    }

    MoRef collect(const vim::EventFilterSpec& spec, const std::string& session = "alice") {
        auto request = vim::CreateCollectorForEventsRequest::make();
        request.set_filter(spec);
        return call(manager_, "CreateCollectorForEvents", request, session).as_moref();
    }
    std::vector<std::int32_t> keys(const Value& events) {
        std::vector<std::int32_t> found;
        for (const Value& each : events.elements()) found.push_back(vim::Event(each).key());
        return found;
    }
    std::vector<std::int32_t> next(const MoRef& collector, int count) {
        auto request = vim::ReadNextEventsRequest::make();
        request.set_maxCount(count);
        return keys(call(collector, "ReadNextEvents", request));
    }
    std::vector<std::int32_t> previous(const MoRef& collector, int count) {
        auto request = vim::ReadPreviousEventsRequest::make();
        request.set_maxCount(count);
        return keys(call(collector, "ReadPreviousEvents", request));
    }
    Value latest(const MoRef& collector) {
        const model::testing::TestReader reader("alice");
        return world_.inventory.get(collector).read(
            vim::property::EventHistoryCollector::latestPage, reader);
    }
    std::vector<std::int32_t> query(const vim::EventFilterSpec& spec) {
        auto request = vim::QueryEventsRequest::make();
        request.set_filter(spec);
        return keys(call(manager_, "QueryEvents", request));
    }
    vim::EventFilterSpec by_entity(const MoRef& entity,
                                   vim::EventFilterSpecRecursionOption recursion) {
        auto by = vim::EventFilterSpecByEntity::make();
        by.set_entity(entity);
        by.set_recursion(recursion);
        auto spec = vim::EventFilterSpec::make();
        spec.set_entity(by);
        return spec;
    }

    store::TemporaryDirectory directory_;
    task::TestRuntime test_;
    base::SystemRandom random_;
    model::testing::World world_;
    MoRef manager_{TypeId::EventManager, "ha-eventmgr"};
    MoRef task_manager_{TypeId::TaskManager, "ha-taskmgr"};
    MoRef machine_;
    MoRef other_;
    std::unique_ptr<store::History> history_;
    std::optional<task::Tasks> tasks_;
    std::optional<task::Dispatcher> dispatcher_;
    std::optional<EventHistory> events_;
    std::optional<HistoryCollectors> collectors_;
    std::optional<TaskHistory> task_history_;
    std::optional<EventManager> event_manager_;
};

TEST_F(HistoryTest, AnEventIsCompleted) {
    const auto key = power_on(machine_);
    const vim::Event& event = events_->latest();
    EXPECT_EQ(event.key(), key);
    EXPECT_EQ(event.chainId(), key);
    EXPECT_EQ(event.userName(), "root");
    EXPECT_EQ(event.createdTime(), test_.clock.wall_now());
    EXPECT_THAT(std::string(*event.fullFormattedMessage()), HasSubstr("m on"));
}

TEST_F(HistoryTest, PagesGoBothWaysFromWhereOneIs) {
    std::vector<std::int32_t> all;
    for (int i = 0; i < 7; ++i) all.push_back(power_on(machine_));
    const MoRef collector = collect(vim::EventFilterSpec::make());
    EXPECT_THAT(next(collector, 3), ElementsAre(all[0], all[1], all[2]));
    EXPECT_THAT(next(collector, 3), ElementsAre(all[3], all[4], all[5]));
    EXPECT_THAT(next(collector, 3), ElementsAre(all[6]));
    EXPECT_THAT(next(collector, 3), IsEmpty());
    EXPECT_THAT(previous(collector, 2), ElementsAre(all[6], all[5]));
    call(collector, "RewindCollector");
    EXPECT_THAT(previous(collector, 2), IsEmpty());
    EXPECT_THAT(next(collector, 1), ElementsAre(all[0]));
    call(collector, "ResetCollector");
    EXPECT_THAT(next(collector, 1), IsEmpty());
    EXPECT_THAT(previous(collector, 100), SizeIs(7));
    const auto later = power_on(machine_);
    call(collector, "ResetCollector");
    EXPECT_THAT(previous(collector, 1), ElementsAre(later));
}

TEST_F(HistoryTest, TheLatestPageFollowsNewestFirst) {
    std::vector<std::int32_t> all;
    for (int i = 0; i < 12; ++i) all.push_back(power_on(machine_));
    const MoRef collector = collect(by_entity(machine_, vim::EventFilterSpecRecursionOption::self));
    EXPECT_THAT(keys(latest(collector)), SizeIs(10));
    auto size = vim::SetCollectorPageSizeRequest::make();
    size.set_maxCount(2);
    call(collector, "SetCollectorPageSize", size);
    EXPECT_THAT(keys(latest(collector)), ElementsAre(all[11], all[10]));
    power_on(other_);
    const auto newest = power_on(machine_);
    EXPECT_THAT(keys(latest(collector)), ElementsAre(newest, all[11]));
    size.set_maxCount(100);
    call(collector, "SetCollectorPageSize", size);
    EXPECT_THAT(keys(latest(collector)), SizeIs(13));
    for (const int wrong : {-1, 1001}) {
        size.set_maxCount(wrong);
        EXPECT_EQ(fault_name([&] { call(collector, "SetCollectorPageSize", size); }),
                  "InvalidArgument");
    }
}

TEST_F(HistoryTest, AWaitingFilterIsToldOfTheLatestPage) {
    const MoRef collector = collect(vim::EventFilterSpec::make());
    test_.settle();
    int told = 0;
    const auto watching = world_.inventory.observe([&](const model::Delta& delta) {
        for (const auto& change : delta.changes) {
            if (change.object->id() == collector.id) ++told;
        }
    });
    for (int i = 0; i < 3; ++i) power_on(machine_);
    test_.settle();
    EXPECT_EQ(told, 1);
}

TEST_F(HistoryTest, EntitiesAreFollowedDownTheInventory) {
    using enum vim::EventFilterSpecRecursionOption;
    const auto one = power_on(machine_);
    const auto two = power_on(other_);
    const auto login = log_in("alice");
    EXPECT_THAT(query(by_entity(machine_, self)), ElementsAre(one));
    EXPECT_THAT(query(by_entity(world_.vm_folder, self)), IsEmpty());
    EXPECT_THAT(query(by_entity(world_.vm_folder, children)), ElementsAre(two, one));
    EXPECT_THAT(query(by_entity(world_.datacenter, all)), ElementsAre(two, one));
    EXPECT_THAT(query(by_entity(world_.pool, all)), ElementsAre(two, one));
    EXPECT_THAT(query(by_entity(world_.root, all)), ElementsAre(login, two, one));
    EXPECT_THAT(query(by_entity(world_.root, self)), ElementsAre(login));
    world_.remove_machine(machine_);
    EXPECT_THAT(query(by_entity(world_.vm_folder, all)), ElementsAre(two, one));
    // What is told of it when it is gone already.
    const auto removed = power_on(machine_);
    EXPECT_THAT(query(by_entity(world_.vm_folder, all)), ElementsAre(removed, two, one));
}

TEST_F(HistoryTest, FiltersByTypeCategoryUserTimeAndChain) {
    const auto on = power_on(machine_);
    const auto login = log_in("alice");
    auto bad = vim::BadUsernameSessionEvent::make();
    bad.set_ipAddress("10.0.0.9");
    const auto refused = events_->post(bad, "");
    auto spec = vim::EventFilterSpec::make();
    spec.set_type(std::vector<std::string_view>{"SessionEvent"});
    EXPECT_THAT(query(spec), ElementsAre(refused, login));
    spec = vim::EventFilterSpec::make();
    spec.set_eventTypeId(
        std::vector<std::string_view>{"vim.event.VmPoweredOnEvent", "drover.none"});
    EXPECT_THAT(query(spec), ElementsAre(on));
    spec = vim::EventFilterSpec::make();
    spec.set_category(std::vector<std::string_view>{"error"});
    EXPECT_THAT(query(spec), ElementsAre(refused));
    auto user = vim::EventFilterSpecByUsername::make();
    user.set_systemUser(true);
    user.set_userList(std::vector<std::string_view>{"alice"});
    spec = vim::EventFilterSpec::make();
    spec.set_userName(user);
    EXPECT_THAT(query(spec), ElementsAre(refused, login));
    auto time = vim::EventFilterSpecByTime::make();
    time.set_beginTime(test_.clock.wall_now());
    spec = vim::EventFilterSpec::make();
    spec.set_time(time);
    EXPECT_THAT(query(spec), ElementsAre(refused, login));
    spec = vim::EventFilterSpec::make();
    spec.set_eventChainId(on);
    EXPECT_THAT(query(spec), ElementsAre(on));
    spec = vim::EventFilterSpec::make();
    spec.set_maxCount(1);
    EXPECT_THAT(query(spec), ElementsAre(refused));
}

TEST_F(HistoryTest, ThePostersEventsAreChecked) {
    auto extended = vim::EventEx::make();
    extended.set_eventTypeId("drover.test.happened");
    extended.set_severity("warning");
    extended.set_message("it happened");
    extended.set_userName("somebody else");
    auto request = vim::PostEventRequest::make();
    request.set_eventToPost(extended);
    call(manager_, "PostEvent", request);
    EXPECT_EQ(events_->latest().userName(), "alice");
    EXPECT_EQ(events_->latest().fullFormattedMessage(), "it happened");
    auto spec = vim::EventFilterSpec::make();
    spec.set_eventTypeId(std::vector<std::string_view>{"drover.test.happened"});
    spec.set_category(std::vector<std::string_view>{"warning"});
    EXPECT_THAT(query(spec), SizeIs(1));
    extended.set_severity("loud");
    request.set_eventToPost(extended);
    EXPECT_EQ(fault_name([&] { call(manager_, "PostEvent", request); }), "InvalidEvent");
    request.set_eventToPost(vim::VmPoweredOnEvent::make());
    EXPECT_EQ(fault_name([&] { call(manager_, "PostEvent", request); }), "InvalidEvent");
}

TEST_F(HistoryTest, LogUserEventNamesItsEntity) {
    auto request = vim::LogUserEventRequest::make();
    request.set_entity(machine_);
    request.set_msg("hello");
    call(manager_, "LogUserEvent", request);
    const auto event = events_->latest().as<vim::GeneralUserEvent>();
    EXPECT_EQ(event.entity().entity(), machine_);
    EXPECT_EQ(event.message(), "hello");
    EXPECT_THAT(query(by_entity(machine_, vim::EventFilterSpecRecursionOption::self)), SizeIs(1));
}

TEST_F(HistoryTest, CollectorsBelongToTheirSessionAndAreCounted) {
    const MoRef collector = collect(vim::EventFilterSpec::make());
    EXPECT_EQ(
        fault_name([&] {
            call(collector, "DestroyCollector",
                 vim::DataHandle(vim::make_object(vim::find_method("DestroyCollector")->request)),
                 "bob");
        }),
        "ManagedObjectNotFound");
    for (std::size_t i = 1; i < HistoryCollectors::kMostPerSession; ++i) {
        collect(vim::EventFilterSpec::make());
    }
    EXPECT_EQ(fault_name([&] { collect(vim::EventFilterSpec::make()); }), "InvalidState");
    collect(vim::EventFilterSpec::make(), "bob");
    call(collector, "DestroyCollector");
    EXPECT_EQ(world_.inventory.find(collector), nullptr);
    const MoRef last = collect(vim::EventFilterSpec::make());
    collectors_->end_session("alice");
    EXPECT_EQ(world_.inventory.find(last), nullptr);
}

TEST_F(HistoryTest, DisabledMessagesAreLeftOut) {
    power_on(machine_);
    auto spec = vim::EventFilterSpec::make();
    spec.set_disableFullMessage(true);
    const Value page = latest(collect(spec));
    ASSERT_THAT(page.elements(), SizeIs(1));
    EXPECT_FALSE(vim::Event(page.elements()[0]).fullFormattedMessage());
}

TEST_F(HistoryTest, ATaskIsInTheHistoryWhileItRunsAndAfterARestart) {
    task::TaskSpec spec;
    spec.description_id = "VirtualMachine.powerOn";
    spec.entity = machine_;
    spec.user = "root";
    bool released = false;
    const MoRef task = tasks_->start(spec, [&](task::TaskContextPtr) -> task::Awaitable<Value> {
        while (!released) co_await test_.runtime.sleep(1ms);
        co_return Value::moref(machine_);
    });
    EXPECT_EQ(tasks_->info(task).eventChainId(), events_->latest().key());
    EXPECT_TRUE(events_->latest().is<vim::TaskEvent>());

    const auto read = [&](vim::TaskInfoState state) {
        auto filter = vim::TaskFilterSpec::make();
        filter.set_state({state});
        auto request = vim::CreateCollectorForTasksRequest::make();
        request.set_filter(filter);
        const MoRef collector = call(task_manager_, "CreateCollectorForTasks", request).as_moref();
        auto next_tasks = vim::ReadNextTasksRequest::make();
        next_tasks.set_maxCount(10);
        std::vector<std::string> found;
        for (const Value& each : call(collector, "ReadNextTasks", next_tasks).elements()) {
            found.emplace_back(vim::TaskInfo(each).key());
        }
        return found;
    };
    EXPECT_THAT(read(vim::TaskInfoState::running), ElementsAre(task.id));
    EXPECT_THAT(read(vim::TaskInfoState::success), IsEmpty());
    released = true;
    test_.run_until([&] { return tasks_->info(task).state() == vim::TaskInfoState::success; });
    EXPECT_THAT(read(vim::TaskInfoState::running), IsEmpty());
    EXPECT_THAT(read(vim::TaskInfoState::success), ElementsAre(task.id));
}

TEST_F(HistoryTest, TasksOfWhatOneMayNotSeeAreKeptFromOne) {
    collectors_->set_readers([this](const task::Caller& caller) {
        auto reader = std::make_shared<model::testing::TestReader>(caller.session_key);
        if (caller.session_key == "bob") reader->hidden.insert(machine_.id);
        return reader;
    });
    std::vector<std::string> started;
    for (const MoRef& entity : {machine_, other_}) {
        task::TaskSpec spec;
        spec.description_id = "VirtualMachine.powerOn";
        spec.entity = entity;
        const auto body = [](task::TaskContextPtr) -> task::Awaitable<Value> { co_return Value{}; };
        started.push_back(tasks_->start(spec, body).id);
    }
    const auto read = [&](const std::string& session) {
        auto request = vim::CreateCollectorForTasksRequest::make();
        request.set_filter(vim::TaskFilterSpec::make());
        const MoRef collector =
            call(task_manager_, "CreateCollectorForTasks", request, session).as_moref();
        auto next_tasks = vim::ReadNextTasksRequest::make();
        next_tasks.set_maxCount(10);
        std::vector<std::string> found;
        for (const Value& each : call(collector, "ReadNextTasks", next_tasks, session).elements()) {
            found.emplace_back(vim::TaskInfo(each).key());
        }
        return found;
    };
    EXPECT_THAT(read("alice"), testing::UnorderedElementsAreArray(started));
    EXPECT_THAT(read("bob"), ElementsAre(started[1]));
}

TEST_F(HistoryTest, AClientsTaskGoesItsWay) {
    auto request = vim::CreateTaskRequest::make();
    request.set_obj(machine_);
    request.set_taskTypeId("com.example.backup");
    request.set_cancelable(false);
    const vim::TaskInfo made(call(task_manager_, "CreateTask", request));
    EXPECT_EQ(made.state(), vim::TaskInfoState::queued);
    EXPECT_NE(made.eventChainId(), 0);
    auto state = vim::SetTaskStateRequest::make();
    auto progress = vim::UpdateProgressRequest::make();
    progress.set_percentDone(50);
    EXPECT_EQ(fault_name([&] { call(made.task(), "UpdateProgress", progress); }), "InvalidState");
    state.set_state(vim::TaskInfoState::running);
    call(made.task(), "SetTaskState", state);
    call(made.task(), "UpdateProgress", progress);
    EXPECT_EQ(tasks_->info(made.task()).progress(), 50);
    progress.set_percentDone(101);
    EXPECT_EQ(fault_name([&] { call(made.task(), "UpdateProgress", progress); }), "OutOfBounds");
    state.set_state(vim::TaskInfoState::success);
    state.set_result(Value::string("done"));
    call(made.task(), "SetTaskState", state);
    EXPECT_EQ(tasks_->info(made.task()).result().as_string(), "done");
    EXPECT_EQ(fault_name([&] { call(made.task(), "SetTaskState", state); }), "InvalidState");
}

TEST(EventCatalogTest, EveryKindIsATypeWithASentence) {
    const auto description = describe_events();
    EXPECT_GT(description.eventInfo().size(), 70u);
    for (const auto& info : description.eventInfo()) {
        EXPECT_NE(event_type_of(info.key()), TypeId::none) << info.key();
        EXPECT_FALSE(info.fullFormat().empty());
        EXPECT_THAT(std::string(info.formatOnVm()), testing::Not(HasSubstr("{vm.name}")));
    }
}

TEST(EventCatalogTest, FormatsResolvePathsAndIgnoreWhatIsNotThere) {
    auto event = vim::UserLoginSessionEvent::make();
    event.set_userName("eve");
    event.set_ipAddress("10.1.2.3");
    EXPECT_EQ(fill_format(event.raw(), "{userName}@{ipAddress}{none.name}{userName.x} {"),
              "eve@10.1.2.3 {");
}

}  // namespace
}  // namespace drover::service
