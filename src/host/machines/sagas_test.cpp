// The real operations of several steps, each of them failed after each of its steps, its undo
// repeated, by itself and after a restart; the world must be as before. Past the point of no return
// it must be as if nothing had failed.
//
// Covered: vm.create, vm.reconfigure, vm.relocate, vm.relocate.rest, vm.destroy, and what is no
// saga but its own kind: the relocation of a machine that runs.

#include <gtest/gtest.h>

#include "host/machines/saga_world.hpp"

namespace drover::host {
namespace {

using Picture = std::map<std::string, std::string>;
constexpr int kMostWrites = 40;

/// One operation on a fresh world: `prepare` makes what it needs, `perform` says whether it was
/// done. If one of the first `undone` writes of the journal fails, the world must be as before.
struct Operation {
    int undone = 0;
    std::function<vim::MoRef(SagaWorld&)> prepare;
    std::function<bool(SagaWorld&, vim::MoRef)> perform;
};

// Everything that has a number or a moment of its own is left out of comparisons across worlds.
std::set<std::string> names_in(const Picture& picture) {
    std::set<std::string> names;
    for (const auto& [name, content] : picture) names.insert(name);
    return names;
}

/// Fails each write of the journal in turn, which fails the step before it after its effect, and
/// the one in which the undo would be noted, so that it is all undone again. Returns how many
/// steps were failed.
int fail_each_step(const Operation& operation) {
    std::set<std::string> done_names;
    {
        SagaWorld world;
        const vim::MoRef object = operation.prepare(world);
        EXPECT_TRUE(operation.perform(world, object)) << world.last_failure;
        EXPECT_TRUE(world.is_settled());
        done_names = names_in(world.picture());
    }
    for (int write = 1; write <= kMostWrites; ++write) {
        SCOPED_TRACE(write);
        SagaWorld world;
        const vim::MoRef object = operation.prepare(world);
        const Picture before = world.picture();
        world.failing.fail({write, write + 1});
        const bool is_done = operation.perform(world, object);
        if (world.failing.writes < write) {
            EXPECT_TRUE(is_done);
            EXPECT_GT(write, 2);
            return write - 1;
        }
        EXPECT_FALSE(is_done);
        for (int again = 0; again < 2; ++again) {
            // The first time it can't be noted either: it is begun once more.
            world.failing.fail(again == 0 ? std::set<int>{1} : std::set<int>{});
            world.host.run(world.sagas.recover());
        }
        EXPECT_TRUE(world.is_settled());
        const Picture after = world.picture();
        if (write <= operation.undone) {
            EXPECT_EQ(after, before);
        } else {
            EXPECT_EQ(names_in(after), done_names);
        }
    }
    ADD_FAILURE() << "it never comes to its end";
    return 0;
}

struct NoParameters {
    vim::Value raw() const { return vim::make_object(vim::find_method("Destroy_Task")->request); }
};

vim::MoRef nothing(SagaWorld&) {
    return references::vm_folder;
}
vim::MoRef one_machine(SagaWorld& world) {
    return world.make_machine("guest");
}

bool relocate_all(SagaWorld& world, const vim::MoRef& machine) {
    auto spec = vim::VirtualMachineRelocateSpec::make();
    spec.set_datastore(world.host.entry("two").ref);
    auto request = vim::RelocateVM_TaskRequest::make();
    request.set_spec(spec);
    return world.attempt(machine, "RelocateVM_Task", request).has_value();
}

TEST(Sagas, CreateLeavesAMachineOrNothing) {
    const int steps = fail_each_step({6, nothing, [](SagaWorld& world, vim::MoRef) {
                                          return world.create_machine("guest").has_value();
                                      }});
    EXPECT_EQ(steps, 6);  // begin, directory, two disks, file, end
}

TEST(Sagas, ReconfigureChangesAllOrNothing) {
    const int steps = fail_each_step(
        {4, one_machine, [](SagaWorld& world, const vim::MoRef& machine) {
             vim::VirtualDevice old;
             for (const auto& device : world.machines.get(machine)->config.hardware().device()) {
                 if (device.is<vim::VirtualDisk>()) old = device;
             }
             auto removal = vim::VirtualDeviceConfigSpec::make();
             removal.set_operation(vim::VirtualDeviceConfigSpecOperation::remove);
             removal.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::destroy);
             removal.set_device(old);
             auto spec = vim::VirtualMachineConfigSpec::make();
             spec.set_memoryMB(64);
             spec.set_deviceChange({world.new_disk(2, true), world.new_disk(3, false), removal});
             auto request = vim::ReconfigVM_TaskRequest::make();
             request.set_spec(spec);
             return world.attempt(machine, "ReconfigVM_Task", request).has_value();
         }});
    EXPECT_EQ(steps, 6);  // begin, two disks, file, one disk less, end
}

TEST(Sagas, ADiskIsPluggedInOrNot) {
    const int steps =
        fail_each_step({4,
                        [](SagaWorld& world) {
                            const vim::MoRef machine = one_machine(world);
                            world.run_domain(machine);
                            return machine;
                        },
                        [](SagaWorld& world, const vim::MoRef& machine) {
                            auto spec = vim::VirtualMachineConfigSpec::make();
                            spec.set_deviceChange({world.new_disk(2, true)});
                            auto request = vim::ReconfigVM_TaskRequest::make();
                            request.set_spec(spec);
                            return world.attempt(machine, "ReconfigVM_Task", request).has_value();
                        }});
    EXPECT_EQ(steps, 5);  // begin, disk, plugged in, file, end
}

TEST(Sagas, RelocateLeavesOneHome) {
    const int steps = fail_each_step({6, one_machine, relocate_all});
    EXPECT_EQ(steps, 11);  // begin, directory, two disks, files, decision, switch, three old, end
}

TEST(Sagas, DestroyIsFinished) {
    const int steps = fail_each_step(
        {2, one_machine, [](SagaWorld& world, const vim::MoRef& machine) {
             return world.attempt(machine, "Destroy_Task", NoParameters{}).has_value();
         }});
    EXPECT_EQ(steps, 6);  // begin, decision, two disks, files, end
}

/// A machine that seems to run, and what must be true of it whatever happened.
class LiveRelocationTest : public testing::Test {
protected:
    LiveRelocationTest() : machine(world.make_machine("guest")) { world.run_domain(machine); }

    // Each of its disks is where its .vmx file says and where the engine has it, and nowhere else.
    void expect_one_home(SagaWorld& at, const vim::MoRef& ref) {
        const MachinePtr found = at.machines.get(ref);
        at.host.run(at.machines.load(found));
        ASSERT_EQ(found->problem, "");
        std::set<std::string> named;
        for (const auto& [disk, facts] : found->disks) named.insert(at.data_of(disk));
        std::set<std::string> opened;
        for (const auto& [target, disk] : at.engine.disks) {
            opened.insert(disk.path);
            EXPECT_EQ(disk.destination_path, "");
        }
        EXPECT_EQ(named, opened);
        int homes = 0;
        std::size_t images = 0;
        int held = 0;
        for (const auto& [path, content] : at.picture()) {
            homes += path.ends_with(".vmx") ? 1 : 0;
            images += path.find("-flat.") != std::string::npos ? 1 : 0;
            held += path.ends_with(".lease") ? 1 : 0;
        }
        EXPECT_EQ(homes, 1);
        EXPECT_EQ(images, opened.size());
        EXPECT_EQ(held, 1);
        EXPECT_TRUE(at.host.run(at.leases.is_ours(found)));
        EXPECT_TRUE(at.is_settled());
    }

    SagaWorld world;
    vim::MoRef machine;
};

TEST_F(LiveRelocationTest, AllOfItGoes) {
    EXPECT_TRUE(relocate_all(world, machine)) << world.last_failure;
    expect_one_home(world, machine);
    EXPECT_EQ(world.machines.get(machine)->path.to_string(), "[two] guest/guest.vmx");
    EXPECT_FALSE(world.host.exists("one/guest"));
}

TEST_F(LiveRelocationTest, EachCallOfTheEngineFails) {
    std::set<std::string> outcomes;
    for (int call = 1;; ++call) {
        SCOPED_TRACE(call);
        SagaWorld fresh;
        const vim::MoRef ref = fresh.make_machine("guest");
        fresh.run_domain(ref);
        fresh.engine.failing = {call};
        const bool is_done = relocate_all(fresh, ref);
        expect_one_home(fresh, ref);
        const bool is_there = fresh.machines.get(ref)->path.datastore() == "two";
        EXPECT_EQ(is_done, is_there) << fresh.last_failure;
        outcomes.insert(is_there ? "moved" : "stayed");
        if (fresh.engine.calls < call) break;
    }
    EXPECT_EQ(outcomes, (std::set<std::string>{"moved", "stayed"}));
}

TEST_F(LiveRelocationTest, EachWriteOfTheJournalFails) {
    for (int write = 1; write <= 7; ++write) {
        SCOPED_TRACE(write);
        SagaWorld fresh;
        const vim::MoRef ref = fresh.make_machine("guest");
        fresh.run_domain(ref);
        fresh.failing.fail({write});
        relocate_all(fresh, ref);
        fresh.failing.fail({});
        fresh.host.run(fresh.sagas.recover());
        fresh.host.run(fresh.relocate.start());
        expect_one_home(fresh, ref);
        EXPECT_EQ(fresh.machines.get(ref)->path.datastore(), "two");
    }
}

TEST_F(LiveRelocationTest, ACopyThatBreaksOffAtTheSwitchStaysWhereItIs) {
    // The second disk's copy is lost once the first one has been switched.
    world.engine.before_call = [this](int) {
        auto& first = world.engine.disks.at("sda");
        auto& second = world.engine.disks.at("sdb");
        if (first.path.find("/two/") != std::string::npos) world.engine.stop(second);
    };
    EXPECT_FALSE(relocate_all(world, machine));
    EXPECT_NE(world.last_failure.find("Some of the machine's disks"), std::string::npos);
    expect_one_home(world, machine);
    EXPECT_EQ(world.machines.get(machine)->path.to_string(), "[one] guest/guest.vmx");
}

TEST_F(LiveRelocationTest, AMachineThatEndsOnTheWayKeepsItsOldFiles) {
    // While it is copied, and again when the copies are complete: both are right then.
    for (int call = 2; call <= 8; ++call) {
        SCOPED_TRACE(call);
        SagaWorld fresh;
        const vim::MoRef ref = fresh.make_machine("guest");
        fresh.run_domain(ref);
        fresh.engine.before_call = [&](int now) {
            if (now >= call) fresh.engine.running.reset();
        };
        relocate_all(fresh, ref);
        const MachinePtr found = fresh.machines.get(ref);
        fresh.host.run(fresh.machines.load(found));
        EXPECT_EQ(found->problem, "");
        int homes = 0;
        for (const auto& [path, content] : fresh.picture()) {
            homes += path.ends_with(".vmx") ? 1 : 0;
            if (path.find("-flat.") == std::string::npos) continue;
            EXPECT_TRUE(path.starts_with(found->path.datastore() + "/")) << path;
        }
        EXPECT_EQ(homes, 1);
        EXPECT_TRUE(fresh.is_settled());
    }
}

}  // namespace
}  // namespace drover::host
