#include "host/machines/reconciler.hpp"

#include <gtest/gtest.h>

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
