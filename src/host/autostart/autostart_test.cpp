#include "host/autostart/autostart.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"

namespace drover::host {
namespace {

using simulated::missing_in;
using simulated::SimulatedHost;
using vim::MoRef;
using State = vim::VirtualMachinePowerState;

class AutoStartTest : public testing::Test {
protected:
    AutoStartTest() {
        model::Transaction transaction(host.inventory);
        transaction.create(references::host.type, references::host.id);
        transaction.set(references::host, vim::property::HostSystem::config,
                        vim::HostConfigInfo::make().raw());
        transaction.commit();
        for (const char* id : {"1", "2"})
            machines.push_back(host.add_machine(id, State::poweredOff));
        host.run(autostart.start());
    }
    AutoStartActions actions() {
        return {.power_on = [this](MoRef machine) -> task::Awaitable<void> {
                    done.push_back("on " + machine.id);
                    if (machine.id == broken) throw std::runtime_error("broken");
                    host.set_power(machine, State::poweredOn);
                    co_return;
                },
                .stop = [this](MoRef machine, std::string action) -> task::Awaitable<void> {
                    done.push_back(action + " " + machine.id);
                    if (action == "powerOff") host.set_power(machine, State::poweredOff);
                    co_return;
                }};
    }
    vim::AutoStartPowerInfo info(const MoRef& machine, std::int32_t order) {
        auto made = vim::AutoStartPowerInfo::make();
        made.set_key(machine);
        made.set_startOrder(order);
        made.set_startDelay(0);
        made.set_waitForHeartbeat(vim::AutoStartWaitHeartbeatSetting::no);
        made.set_startAction("powerOn");
        made.set_stopDelay(0);
        made.set_stopAction("guestShutdown");
        return made;
    }
    void reconfigure(const std::vector<vim::AutoStartPowerInfo>& list, bool enabled = true) {
        auto defaults = vim::AutoStartDefaults::make();
        defaults.set_enabled(enabled);
        auto spec = vim::HostAutoStartManagerConfig::make();
        spec.set_defaults(defaults);
        spec.set_powerInfo(list);
        auto request = vim::ReconfigureAutostartRequest::make();
        request.set_spec(spec);
        host.call(references::autostart_manager, "ReconfigureAutostart", request.raw());
    }
    /// Lets spawned work go on until as much was done, or fails.
    void wait_for(std::size_t count) {
        for (int i = 0; i < 400 && done.size() < count; ++i) {
            host.run(host.runtime.sleep(std::chrono::milliseconds(5)));
        }
        EXPECT_EQ(done.size(), count);
    }

    using Done = std::vector<std::string>;
    SimulatedHost host;
    std::vector<MoRef> machines;
    Done done;
    std::string broken;
    AutoStart autostart{host.context, actions()};
};

TEST_F(AutoStartTest, IsShownCompleteAndStored) {
    reconfigure({info(machines[0], 1)});
    const auto& shown = host.inventory.get(references::autostart_manager)
                            .property(vim::property::HostAutoStartManager::config);
    EXPECT_EQ(missing_in(shown), std::vector<std::string>{});
    EXPECT_EQ(vim::HostAutoStartManagerConfig(shown).powerInfo().size(), 1u);
    const vim::HostConfigInfo config(
        host.inventory.get(references::host).property(vim::property::HostSystem::config));
    EXPECT_EQ(config.autoStart().raw(), shown);
    ASSERT_TRUE(host.store->get("host", "autostart"));
}

TEST_F(AutoStartTest, StartsInOrderAndPassesOverFailures) {
    reconfigure({info(machines[0], 2), info(machines[1], 1)});
    broken = machines[1].id;
    host.run(autostart.power_on_all());
    EXPECT_EQ(done, (Done{"on 2", "on 1"}));
}

TEST_F(AutoStartTest, StopsInReverseAndInTheEndByForce) {
    reconfigure({info(machines[0], 1), info(machines[1], 2)});
    for (const auto& machine : machines) host.set_power(machine, State::poweredOn);
    host.run(autostart.power_off_all());
    EXPECT_EQ(done, (Done{"guestShutdown 2", "powerOff 2", "guestShutdown 1", "powerOff 1"}));
}

TEST_F(AutoStartTest, StartsOncePerStartOfTheComputer) {
    reconfigure({info(machines[0], 1)});
    autostart.after_start("boot one");
    wait_for(1);
    host.set_power(machines[0], State::poweredOff);
    autostart.after_start("boot one");
    host.run(host.runtime.sleep(std::chrono::milliseconds(100)));
    EXPECT_EQ(done.size(), 1u);
    autostart.after_start("boot two");
    wait_for(2);
}

TEST_F(AutoStartTest, DoesNothingUnlessEnabled) {
    reconfigure({info(machines[0], 1)}, false);
    autostart.after_start("boot one");
    host.run(host.runtime.sleep(std::chrono::milliseconds(100)));
    EXPECT_TRUE(done.empty());
}

TEST_F(AutoStartTest, ForgetsDestroyedMachines) {
    reconfigure({info(machines[0], 1), info(machines[1], 2)});
    model::Transaction transaction(host.inventory);
    transaction.remove_reference(references::host, vim::property::HostSystem::vm, machines[0]);
    transaction.destroy(machines[0]);
    transaction.commit();
    for (int i = 0; i < 400 && autostart.config().powerInfo().size() > 1; ++i) {
        host.run(host.runtime.sleep(std::chrono::milliseconds(5)));
    }
    EXPECT_EQ(autostart.config().powerInfo().size(), 1u);
}

TEST_F(AutoStartTest, RefusesWhatIsNoMachine) {
    EXPECT_THROW(reconfigure({info({vim::TypeId::VirtualMachine, "77"}, 1)}), vim::Fault);
    EXPECT_THROW(reconfigure({info(references::host, 1)}), vim::Fault);
}

TEST(AutoStartStored, IsReadAtTheStart) {
    SimulatedHost host;
    store::Record record;
    record.kind = "host";
    record.id = "autostart";
    record.value = R"({"defaults":{"enabled":true,"startDelay":7},"powerInfo":[]})";
    host.store->commit_and_wait(store::Batch().put(record));
    AutoStart autostart(host.context, {});
    host.run(autostart.start());
    EXPECT_EQ(autostart.config().defaults().startDelay(), 7);
}

}  // namespace
}  // namespace drover::host
