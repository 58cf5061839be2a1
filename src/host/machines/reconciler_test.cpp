#include "host/machines/reconciler.hpp"

#include <gtest/gtest.h>

#include "host/availability/availability.hpp"
#include "host/machines/saga_world.hpp"

namespace drover::host {
namespace {

class ReconcilerTest : public testing::Test {
protected:
    ReconcilerTest() : machine(world.machines.get(world.make_machine("guest"))) {
        world.run_domain(machine->ref);
        world.machines.publish(machine);
    }

    vim::VirtualMachinePowerState shown_power() {
        const auto& object = world.host.inventory.get(machine->ref);
        return vim::VirtualMachineRuntimeInfo(
                   object.property(vim::property::VirtualMachine::runtime))
            .powerState();
    }
    // Long enough for one look.
    void see(const std::set<std::string>& running) {
        reconciler.seen_running(running);
        pass();
    }
    // Its engine has stopped it since its disk failed; then the datastore is back.
    void stall_until_the_datastore_is_back(bool guarded) {
        auto& domain = *machine->domain;
        domain.state = hypervisor::DomainState::paused;
        domain.paused_reason = hypervisor::PausedReason::io_error;
        if (guarded) domain.metadata.emplace()[std::string(kMetadataMonitor)] = "/run/guest.qmp";
        world.engine.shown = domain;
        reconciler.datastore_changed(world.host.datastores.of_path(machine->path));
        pass();
    }
    void pass() {
        const auto pause = [](const SagaWorld& at) -> task::Awaitable<void> {
            co_await at.context.runtime.sleep(std::chrono::milliseconds{300});
        };
        world.host.run(pause(world));
    }

    SagaWorld world;
    MachinePtr machine;
    Reconciler reconciler{world.context, world.machines, world.leases};
};

TEST_F(ReconcilerTest, FindsOutThatADomainIsGoneOfWhichNoEventTold) {
    world.engine.running.reset();
    see({});
    EXPECT_FALSE(machine->domain);
    EXPECT_EQ(shown_power(), vim::VirtualMachinePowerState::poweredOff);
    EXPECT_FALSE(world.host.run(world.leases.is_ours(machine)));
}

TEST_F(ReconcilerTest, FindsOutThatADomainRunsOfWhichNoEventTold) {
    machine->domain.reset();
    world.machines.publish(machine);
    see({machine->ref.id});
    EXPECT_TRUE(machine->domain);
    EXPECT_EQ(shown_power(), vim::VirtualMachinePowerState::poweredOn);
}

TEST_F(ReconcilerTest, AsksBeforeItBelieves) {
    see({});
    EXPECT_TRUE(machine->domain);
    EXPECT_EQ(shown_power(), vim::VirtualMachinePowerState::poweredOn);
}

TEST_F(ReconcilerTest, ContinuesAMachineWhoseStorageIsBack) {
    stall_until_the_datastore_is_back(false);
    EXPECT_EQ(world.engine.resumed, 1);
}

TEST_F(ReconcilerTest, LetsHighAvailabilityContinueWhatItGuards) {
    int asked = 0;
    reconciler.on_guarded({.go_on = [&](const MachinePtr& which) -> task::Awaitable<void> {
                               asked += which == machine ? 1 : 0;
                               co_return;
                           },
                           .power_off = {}});
    stall_until_the_datastore_is_back(true);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(world.engine.resumed, 0);
}

TEST_F(ReconcilerTest, LeavesAMachineToWhoeverWorksOnIt) {
    world.engine.running.reset();
    {
        const Exclusive exclusive(machine, {});
        see({});
        EXPECT_TRUE(machine->domain);
    }
    see({});
    EXPECT_FALSE(machine->domain);
}

}  // namespace
}  // namespace drover::host
