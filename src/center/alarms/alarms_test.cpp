// Alarms over a tree and machines that the test makes up.

#include "center/alarms/alarms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "center/tree/test_center.hpp"
#include "model/property_collector.hpp"

namespace drover::center {
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
using Power = vim::VirtualMachinePowerState;
namespace machine = vim::property::VirtualMachine;

class AlarmsTest : public testing::Test {
protected:
    AlarmsTest() { begin(); }
    ~AlarmsTest() override { alarms.reset(); }

    void begin() {
        alarms.emplace(center.world->context);
        center.run(alarms->start());
        center.settle();
    }
    // As if the center had been killed; machines are shown again before anybody has heard them.
    void restart(const std::vector<std::pair<std::string, MoRef>>& machines) {
        center.store->flush();
        alarms.reset();
        center.restart();
        for (const auto& [id, folder] : machines) show(id, folder, Power::poweredOff, false);
        begin();
    }
    service::CollectedEvents& events() { return center.world->events; }
    model::Inventory& inventory() { return center.world->inventory; }

    MoRef show(const std::string& id, const MoRef& folder, Power power, bool connected = true,
               std::int32_t cpu_mhz = 0) {
        const MoRef ref{TypeId::VirtualMachine, id};
        auto runtime = vim::VirtualMachineRuntimeInfo::make();
        runtime.set_connectionState(connected ? vim::VirtualMachineConnectionState::connected
                                              : vim::VirtualMachineConnectionState::disconnected);
        runtime.set_powerState(power);
        runtime.set_maxCpuUsage(1'000);
        auto stats = vim::VirtualMachineQuickStats::make();
        stats.set_overallCpuUsage(cpu_mhz);
        stats.set_guestMemoryUsage(100);
        stats.set_uptimeSeconds(100);
        auto config = vim::VirtualMachineConfigSummary::make();
        config.set_name(id);
        config.set_memorySizeMB(512);
        auto summary = vim::VirtualMachineSummary::make();
        summary.set_vm(ref);
        summary.set_runtime(runtime);
        summary.set_config(config);
        summary.set_quickStats(stats);
        {
            model::Transaction transaction(inventory());
            if (!transaction.exists(ref)) {
                transaction.create(ref.type, ref.id);
                Tree::set_entity_basics(transaction, ref, id, folder);
            }
            summary.set_overallStatus(vim::Convert<Status>::from(
                transaction.get(ref, vim::property::ManagedEntity::overallStatus)));
            transaction.set(ref, machine::runtime, runtime.raw());
            transaction.set(ref, machine::summary, summary.raw());
            transaction.commit();
        }
        center.settle();
        return ref;
    }

    // Ticks are a second of real time.
    void tick() {
        bool is_over = false;
        center.runtime.spawn("tick",
                             [](task::Runtime& runtime, bool& over) -> task::Awaitable<void> {
                                 co_await runtime.sleep(1'100ms);
                                 over = true;
                             }(center.runtime, is_over));
        center.run_until([&] { return is_over; });
        center.settle();
    }

    static vim::StateAlarmExpression off(std::string_view type = "VirtualMachine") {
        auto made = vim::StateAlarmExpression::make();
        made.set_operator(vim::StateAlarmOperator::isEqual);
        made.set_type(type);
        made.set_statePath("runtime.powerState");
        made.set_red("poweredOff");
        return made;
    }
    static vim::MetricAlarmExpression busy(std::int32_t red, std::int32_t interval_s) {
        auto metric = vim::PerfMetricId::make();
        metric.set_counterId(2);
        metric.set_instance("");
        auto made = vim::MetricAlarmExpression::make();
        made.set_operator(vim::MetricAlarmOperator::isAbove);
        made.set_type("VirtualMachine");
        made.set_metric(metric);
        made.set_red(red);
        made.set_redInterval(interval_s);
        return made;
    }
    static vim::EventAlarmExpression on_event(std::string_view id, Status status) {
        auto made = vim::EventAlarmExpression::make();
        made.set_eventType("vim.event.EventEx");
        made.set_eventTypeId(id);
        made.set_objectType("vim.VirtualMachine");
        made.set_status(status);
        return made;
    }
    static vim::AlarmSpec spec(std::string_view name, const vim::AlarmExpression& expression) {
        auto made = vim::AlarmSpec::make();
        made.set_name(name);
        made.set_description("");
        made.set_enabled(true);
        made.set_expression(expression);
        return made;
    }
    MoRef create(const MoRef& on, const vim::AlarmSpec& wanted) {
        auto request = vim::CreateAlarmRequest::make();
        request.set_entity(on);
        request.set_spec(wanted);
        return center.call(references::alarm_manager, "CreateAlarm", request).as_moref();
    }
    void reconfigure(const MoRef& alarm, const vim::AlarmSpec& wanted) {
        auto request = vim::ReconfigureAlarmRequest::make();
        request.set_spec(wanted);
        center.call(alarm, "ReconfigureAlarm", request);
    }
    void acknowledge(const MoRef& alarm, const MoRef& entity) {
        auto request = vim::AcknowledgeAlarmRequest::make();
        request.set_alarm(alarm);
        request.set_entity(entity);
        center.call(references::alarm_manager, "AcknowledgeAlarm", request);
    }
    Value read(const MoRef& object, std::string_view name) {
        task::Caller caller;
        caller.session_key = "session";
        caller.user = "root";
        caller.release = vim::newest_release();
        return inventory().get(object).read(*vim::describe(object.type).find_property(name),
                                            *center.world->authorization.reader_of(caller));
    }
    // "alarm-9.vm-1 red" of each.
    std::vector<std::string> triggered(const MoRef& entity) {
        std::vector<std::string> found;
        const Value list = read(entity, "triggeredAlarmState");
        for (const Value& each : list.elements()) {
            const vim::AlarmState state(each);
            found.push_back(std::string(state.key()) + " " +
                            std::string(vim::to_string(state.overallStatus())) +
                            (state.acknowledged().value_or(false) ? " acknowledged" : ""));
        }
        return found;
    }
    std::string status(const MoRef& entity) {
        return std::string(read(entity, "overallStatus").as_string());
    }
    std::vector<std::string> told() {
        std::vector<std::string> found;
        for (const auto& event : std::exchange(events().events, {})) {
            if (const auto changed = event.as<vim::AlarmStatusChangedEvent>()) {
                found.push_back(std::string(changed.alarm().name()) + " " +
                                std::string(changed.source().name()) + " " +
                                std::string(changed.to()));
            } else if (event.is<vim::AlarmEvent>()) {
                found.emplace_back(vim::describe(event.dynamic_type()).name());
            }
        }
        return found;
    }
    MoRef vm_folder(const MoRef& datacenter) {
        return center.property(datacenter, "vmFolder").as_moref();
    }

    TestCenter center;
    std::optional<Alarms> alarms;
};

TEST_F(AlarmsTest, ANewCenterHasTheUsualAlarmsOnce) {
    const auto names = [this] {
        std::vector<std::string> found;
        const Value list = center.call(references::alarm_manager, "GetAlarm");
        for (const Value& each : list.elements()) {
            found.emplace_back(vim::AlarmInfo(center.property(each.as_moref(), "info")).name());
        }
        return found;
    };
    EXPECT_THAT(names(), ElementsAre("Host connection and power state", "Host CPU usage",
                                     "Host memory usage", "Virtual machine CPU usage",
                                     "Virtual machine memory usage", "Datastore usage on disk"));
    const Value list = center.call(references::alarm_manager, "GetAlarm");
    center.call(list.elements()[0].as_moref(), "RemoveAlarm");
    restart({});
    EXPECT_THAT(names(), SizeIs(5));
}

TEST_F(AlarmsTest, AnAlarmOfAFolderIsForWhatIsBelowIt) {
    const MoRef datacenter = center.create_datacenter("east");
    const MoRef blue = center.create_folder(vm_folder(datacenter), "blue");
    const MoRef inside = show("vm-901", blue, Power::poweredOn);
    const MoRef outside = show("vm-902", vm_folder(datacenter), Power::poweredOff);
    told();
    const MoRef alarm = create(blue, spec("off", off()));
    EXPECT_THAT(told(), ElementsAre("AlarmCreatedEvent"));
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    EXPECT_EQ(status(inside), "green");

    show("vm-901", blue, Power::poweredOff);
    const std::string state = alarm.id + ".vm-901 red";
    for (const MoRef& each :
         {inside, blue, vm_folder(datacenter), datacenter, references::root_folder}) {
        EXPECT_THAT(triggered(each), ElementsAre(state)) << each.id;
    }
    EXPECT_THAT(triggered(outside), IsEmpty());
    EXPECT_EQ(status(inside), "red");
    EXPECT_EQ(read(inside, "summary").property("overallStatus").as_string(), "red");
    EXPECT_EQ(status(blue), "green");
    EXPECT_THAT(told(), ElementsAre("off vm-901 red"));

    show("vm-901", blue, Power::poweredOn);
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    EXPECT_EQ(status(inside), "green");
    EXPECT_THAT(told(), ElementsAre("off vm-901 green"));
}

TEST_F(AlarmsTest, StatesFollowWhatMovesAndGo) {
    const MoRef datacenter = center.create_datacenter("east");
    const MoRef blue = center.create_folder(vm_folder(datacenter), "blue");
    const MoRef red = center.create_folder(vm_folder(datacenter), "red");
    const MoRef vm = show("vm-901", blue, Power::poweredOff);
    create(blue, spec("off", off()));
    EXPECT_THAT(triggered(blue), SizeIs(1));
    center.move(red, {blue});
    center.settle();
    EXPECT_THAT(triggered(red), SizeIs(1));
    {
        model::Transaction transaction(inventory());
        transaction.set(vm, vim::property::ManagedEntity::parent, Value::moref(red));
        transaction.commit();
    }
    center.settle();
    // It is not below what the alarm was defined on any more.
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    EXPECT_EQ(status(vm), "green");
    {
        model::Transaction transaction(inventory());
        transaction.destroy(vm);
        transaction.commit();
    }
    center.settle();
}

TEST_F(AlarmsTest, AcknowledgedIsForgottenWhenAllIsWell) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOff);
    const MoRef alarm = create(folder, spec("off", off()));
    const std::string state = alarm.id + ".vm-901 red";
    acknowledge(alarm, vm);
    EXPECT_THAT(triggered(references::root_folder), ElementsAre(state + " acknowledged"));
    const vim::AlarmState shown(read(vm, "triggeredAlarmState").elements()[0]);
    EXPECT_EQ(shown.acknowledgedByUser(), "root");
    EXPECT_EQ(shown.acknowledgedTime(), center.clock.wall_now());
    told();
    acknowledge(alarm, vm);  // once more changes nothing
    EXPECT_THAT(told(), IsEmpty());
    show("vm-901", folder, Power::poweredOn);
    show("vm-901", folder, Power::poweredOff);
    EXPECT_THAT(triggered(vm), ElementsAre(state));

    EXPECT_EQ(fault_name([&] { acknowledge(alarm, references::root_folder); }), "InvalidArgument");
}

TEST_F(AlarmsTest, ARestartTellsNothingAnew) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef one = show("vm-901", folder, Power::poweredOff);
    show("vm-902", folder, Power::poweredOn);
    const MoRef alarm = create(references::root_folder, spec("off", off()));
    acknowledge(alarm, one);
    restart({{"vm-901", folder}, {"vm-902", folder}});
    const std::string state = alarm.id + ".vm-901 red acknowledged";
    EXPECT_THAT(triggered(references::root_folder), ElementsAre(state));
    EXPECT_EQ(status(one), "red");
    // Their host is heard.
    show("vm-902", folder, Power::poweredOn);
    show("vm-901", folder, Power::poweredOff);
    EXPECT_THAT(triggered(references::root_folder), ElementsAre(state));
    EXPECT_THAT(told(), IsEmpty());
    show("vm-901", folder, Power::poweredOn);
    EXPECT_THAT(told(), ElementsAre("off vm-901 green"));
    EXPECT_EQ(status(one), "green");
    restart({{"vm-901", folder}, {"vm-902", folder}});
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
}

TEST_F(AlarmsTest, WhoIsNotHeardAfterAStartCountsAsHeShows) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    create(references::root_folder, spec("off", off()));
    restart({{"vm-901", folder}});
    tick();
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    center.clock.advance(15s);
    tick();
    EXPECT_THAT(triggered(references::root_folder), SizeIs(1));
}

TEST_F(AlarmsTest, FiguresTriggerAfterTheirInterval) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOn, true, 950);
    create(folder, spec("busy", busy(9'000, 60)));
    EXPECT_EQ(status(vm), "green");
    center.clock.advance(60s);
    tick();  // without another figure
    EXPECT_EQ(status(vm), "red");
    show("vm-901", folder, Power::poweredOn, true, 100);
    EXPECT_EQ(status(vm), "green");
}

TEST_F(AlarmsTest, TriggersAreReportedNoMoreOftenThanWanted) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOff);
    auto setting = vim::AlarmSetting::make();
    setting.set_toleranceRange(0);
    setting.set_reportingFrequency(300);
    auto wanted = spec("off", off());
    wanted.set_setting(setting);
    create(folder, wanted);
    EXPECT_EQ(status(vm), "red");
    show("vm-901", folder, Power::poweredOn);
    show("vm-901", folder, Power::poweredOff);
    EXPECT_EQ(status(vm), "green");
    center.clock.advance(300s);
    tick();
    EXPECT_EQ(status(vm), "red");
}

TEST_F(AlarmsTest, EventsTriggerUntilTheyAreCleared) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOn);
    auto any = vim::OrAlarmExpression::make();
    any.set_expression(
        {on_event("my.failure", Status::red), on_event("my.success", Status::green)});
    const MoRef alarm = create(references::root_folder, spec("mine", any));
    std::int32_t key = 100;
    const auto happens = [&](std::string_view id) {
        auto event = vim::EventEx::make();
        event.set_key(++key);
        event.set_eventTypeId(id);
        auto argument = vim::VmEventArgument::make();
        argument.set_vm(vm);
        argument.set_name("vm-901");
        event.set_vm(argument);
        alarms->on_event(event);
        center.settle();
    };
    happens("my.failure");
    EXPECT_THAT(triggered(references::root_folder), ElementsAre(alarm.id + ".vm-901 red"));
    EXPECT_EQ(vim::AlarmState(read(vm, "triggeredAlarmState").elements()[0]).eventKey(), 101);
    happens("my.success");
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    happens("my.failure");
    restart({{"vm-901", folder}});
    EXPECT_THAT(triggered(references::root_folder), ElementsAre(alarm.id + ".vm-901 red"));

    const auto clear = [&](std::string_view trigger) {
        auto filter = vim::AlarmFilterSpec::make();
        filter.set_typeTrigger(trigger);
        auto request = vim::ClearTriggeredAlarmsRequest::make();
        request.set_filter(filter);
        center.call(references::alarm_manager, "ClearTriggeredAlarms", request);
    };
    clear("triggerTypeMetric");
    EXPECT_THAT(triggered(references::root_folder), SizeIs(1));
    clear("triggerTypeEvent");
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    EXPECT_THAT(told(), ElementsAre("AlarmClearedEvent"));
    EXPECT_EQ(fault_name([&] { clear("triggerTypeNone"); }), "InvalidArgument");
    restart({{"vm-901", folder}});
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
}

TEST_F(AlarmsTest, AChangedAlarmLooksAnew) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOff);
    const MoRef alarm = create(folder, spec("off", off()));
    auto suspended = off();
    suspended.clear_red();
    suspended.set_yellow("suspended");
    reconfigure(alarm, spec("asleep", suspended));
    EXPECT_THAT(triggered(vm), IsEmpty());
    show("vm-901", folder, Power::suspended);
    EXPECT_EQ(status(vm), "yellow");
    EXPECT_EQ(vim::AlarmInfo(center.property(alarm, "info")).name(), "asleep");
    auto disabled = spec("asleep", suspended);
    disabled.set_enabled(false);
    reconfigure(alarm, disabled);
    EXPECT_EQ(status(vm), "green");
    reconfigure(alarm, spec("asleep", suspended));
    EXPECT_EQ(status(vm), "yellow");
    told();
    center.call(alarm, "RemoveAlarm");
    EXPECT_EQ(status(vm), "green");
    EXPECT_THAT(triggered(references::root_folder), IsEmpty());
    EXPECT_THAT(told(), ElementsAre("AlarmRemovedEvent"));
    EXPECT_EQ(inventory().find(alarm), nullptr);
}

TEST_F(AlarmsTest, AnAlarmGoesWithWhatItIsDefinedOn) {
    const MoRef datacenter = center.create_datacenter("east");
    const MoRef folder = center.create_folder(vm_folder(datacenter), "blue");
    const MoRef alarm = create(folder, spec("off", off()));
    center.run_task(folder, "Destroy_Task");
    const auto removed = [this] {
        const auto types = events().types();
        return std::ranges::find(types, "AlarmRemovedEvent") != types.end();
    };
    center.run_until(removed);
    EXPECT_EQ(inventory().find(alarm), nullptr);
    restart({});
    EXPECT_EQ(inventory().find(alarm), nullptr);
}

TEST_F(AlarmsTest, APublisherOfAStatusIsHeardBehindTheAlarms) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef vm = show("vm-901", folder, Power::poweredOff);
    create(folder, spec("off", off()));
    const auto say = [&](Status said) {
        model::Transaction transaction(inventory());
        transaction.set(vm, vim::property::ManagedEntity::overallStatus,
                        vim::Convert<Status>::to(said));
        transaction.commit();
        center.settle();
    };
    say(Status::yellow);
    EXPECT_EQ(status(vm), "red");
    show("vm-901", folder, Power::poweredOn);
    EXPECT_EQ(status(vm), "yellow");
    say(Status::green);
    EXPECT_EQ(status(vm), "green");
}

TEST_F(AlarmsTest, DeclaredAreThoseThatCanBeTriggeredAtOrBelow) {
    const MoRef datacenter = center.create_datacenter("east");
    const MoRef folder = vm_folder(datacenter);
    const MoRef vm = show("vm-901", folder, Power::poweredOn, true, 10);
    const auto count = [this](const MoRef& entity) {
        return read(entity, "declaredAlarmState").elements().size();
    };
    EXPECT_EQ(count(vm), 2U);
    EXPECT_EQ(count(folder), 2U);
    EXPECT_EQ(count(references::root_folder), 6U);
    EXPECT_EQ(count(center.property(datacenter, "datastoreFolder").as_moref()), 1U);
    EXPECT_EQ(count(center.property(datacenter, "hostFolder").as_moref()), 5U);
    for (const Value each : vim::ArrayView<Value>(read(vm, "declaredAlarmState"))) {
        EXPECT_EQ(vim::AlarmState(each).entity(), vm);
        EXPECT_EQ(vim::AlarmState(each).overallStatus(), Status::green);
    }
}

TEST_F(AlarmsTest, ActionsCanBeSwitchedOffForAnEntity) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    auto request = vim::EnableAlarmActionsRequest::make();
    request.set_entity(folder);
    request.set_enabled(false);
    center.call(references::alarm_manager, "EnableAlarmActions", request);
    auto question = vim::AreAlarmActionsEnabledRequest::make();
    question.set_entity(folder);
    restart({});
    EXPECT_FALSE(
        center.call(references::alarm_manager, "AreAlarmActionsEnabled", question).as_boolean());
    EXPECT_FALSE(read(folder, "alarmActionsEnabled").as_boolean());
    EXPECT_TRUE(read(references::root_folder, "alarmActionsEnabled").as_boolean());
}

TEST_F(AlarmsTest, AnAlarmCanBeDisabledForOneEntity) {
    const MoRef folder = vm_folder(center.create_datacenter("east"));
    const MoRef one = show("vm-901", folder, Power::poweredOff);
    const MoRef other = show("vm-902", folder, Power::poweredOff);
    const MoRef alarm = create(folder, spec("off", off()));
    auto request = vim::DisableAlarmRequest::make();
    request.set_alarm(alarm);
    request.set_entity(one);
    center.call(references::alarm_manager, "DisableAlarm", request);
    EXPECT_EQ(status(one), "green");
    EXPECT_EQ(status(other), "red");
    auto again = vim::EnableAlarmRequest::make();
    again.set_alarm(alarm);
    again.set_entity(one);
    center.call(references::alarm_manager, "EnableAlarm", again);
    EXPECT_EQ(status(one), "red");
}

TEST_F(AlarmsTest, WhatCanNotBeDoneIsRefusedByName) {
    const MoRef root = references::root_folder;
    const auto refused = [&](const vim::AlarmSpec& wanted) -> std::string {
        try {
            create(root, wanted);
        } catch (const vim::Fault& fault) {
            if (!fault.fault().is<vim::InvalidArgument>()) return fault_name([&] { throw fault; });
            return std::string(
                fault.fault().as<vim::InvalidArgument>().invalidProperty().value_or(""));
        }
        return "none";
    };
    create(root, spec("off", off()));
    EXPECT_EQ(refused(spec("off", off())), "DuplicateName");
    EXPECT_EQ(refused(spec("", off())), "InvalidName");
    EXPECT_EQ(refused(spec("a", vim::AlarmExpression::make())), "spec.expression");
    EXPECT_EQ(refused(spec("a", off("Task"))), "spec.expression.type");
    EXPECT_EQ(refused(spec("a", vim::OrAlarmExpression::make())), "spec.expression.expression");
    auto state = off();
    state.set_statePath("runtime.colour");
    auto any = vim::OrAlarmExpression::make();
    any.set_expression({off(), state});
    EXPECT_EQ(refused(spec("a", any)), "spec.expression.expression[1].statePath");
    state = off();
    state.set_red("poweredAway");
    EXPECT_EQ(refused(spec("a", state)), "spec.expression.red");
    auto metric = busy(9'000, 0);
    metric.metric().set_counterId(4'711);
    auto id = metric.metric();
    id.set_counterId(4'711);
    metric.set_metric(id);
    EXPECT_EQ(refused(spec("a", metric)), "spec.expression.metric.counterId");
    auto event = on_event("x", Status::red);
    event.set_eventType("AlarmStatusChangedEvent");
    EXPECT_EQ(refused(spec("a", event)), "spec.expression.eventType");
    auto with_action = spec("a", off());
    with_action.set_action(vim::AlarmTriggeringAction::make());
    EXPECT_EQ(refused(with_action), "spec.action");
}

}  // namespace
}  // namespace drover::center
