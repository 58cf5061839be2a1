#include "model/inventory.hpp"

#include <gtest/gtest.h>

#include "model/test_world.hpp"

namespace drover::model {
namespace {

using namespace testing;

TEST(Inventory, FindsByIdAndBaseType) {
    World world;
    EXPECT_NE(world.inventory.find(world.cluster), nullptr);
    EXPECT_NE(world.inventory.find(MoRef{TypeId::ComputeResource, world.cluster.id}), nullptr);
    EXPECT_EQ(world.inventory.find(MoRef{TypeId::VirtualMachine, world.cluster.id}), nullptr);
    EXPECT_EQ(fault_of([&] { world.inventory.get({TypeId::Folder, "group-none"}); }),
              "ManagedObjectNotFound");
}

TEST(Inventory, CommitsOneDeltaWithOldAndNewValues) {
    World world;
    const MoRef vm = world.add_machine(1);
    std::vector<Delta> seen;
    const auto subscription = world.inventory.observe([&](const Delta& d) { seen.push_back(d); });
    Transaction tx(world.inventory);
    tx.set(vm, property::ManagedEntity::name, Value::string("second"));
    tx.set(vm, property::ManagedEntity::name, Value::string("third"));
    EXPECT_EQ(tx.get(vm, property::ManagedEntity::name).as_string(), "third");
    EXPECT_EQ(world.inventory.get(vm).property(property::ManagedEntity::name).as_string(),
              "machine1");
    tx.commit();
    ASSERT_EQ(seen.size(), 1U);
    ASSERT_EQ(seen[0].changes.size(), 1U);
    EXPECT_EQ(seen[0].changes[0].old_value.as_string(), "machine1");
    EXPECT_EQ(seen[0].changes[0].new_value.as_string(), "third");
    EXPECT_EQ(seen[0].number, world.inventory.last_delta());
}

TEST(Inventory, EqualValuesAreNoChange) {
    World world;
    const MoRef vm = world.add_machine(1);
    const auto before = world.inventory.last_delta();
    world.set(vm, property::VirtualMachine::config, World::make_config(1));
    EXPECT_EQ(world.inventory.last_delta(), before);
}

TEST(Inventory, RollsBackWhatIsNotCommitted) {
    World world;
    const auto before = world.inventory.last_delta();
    {
        Transaction tx(world.inventory);
        world.add_machine(tx, 1);
        tx.destroy(world.host);
    }
    EXPECT_EQ(world.inventory.last_delta(), before);
    EXPECT_EQ(world.inventory.find("vm-1"), nullptr);
    EXPECT_NE(world.inventory.find(world.host), nullptr);
}

TEST(Inventory, AnIdThatComesBackIsAnotherObject) {
    World world;
    const MoRef vm = world.add_machine(1);
    const auto generation = world.inventory.get(vm).generation();
    Delta delta;
    {
        Transaction tx(world.inventory);
        tx.destroy(vm);
        EXPECT_FALSE(tx.exists(vm));
        World::add(tx, TypeId::VirtualMachine, vm.id, "again", world.vm_folder);
        EXPECT_TRUE(tx.exists(vm));
        delta = tx.commit();
    }
    ASSERT_EQ(delta.destroyed.size(), 1U);
    ASSERT_EQ(delta.created.size(), 1U);
    EXPECT_EQ(delta.destroyed[0]->property(property::ManagedEntity::name).as_string(), "machine1");
    EXPECT_NE(world.inventory.get(vm).generation(), generation);
}

TEST(Inventory, WhatIsMadeAndDestroyedAtOnceLeavesNoTrace) {
    World world;
    Transaction tx(world.inventory);
    const MoRef ref = World::add(tx, TypeId::VirtualMachine, "vm-1", "short", world.vm_folder);
    tx.destroy(ref);
    EXPECT_TRUE(tx.commit().empty());
}

TEST(Inventory, ComputedPropertiesDependOnTheReader) {
    World world;
    Transaction tx(world.inventory);
    tx.set_computed(world.host, property::ManagedEntity::name,
                    [](const Reader& reader) { return Value::string(reader.session_key()); });
    tx.commit();
    const auto& host = world.inventory.get(world.host);
    EXPECT_EQ(host.read(property::ManagedEntity::name, TestReader("bob")).as_string(), "bob");
    EXPECT_EQ(host.read(property::ManagedEntity::name, TestReader("eve")).as_string(), "eve");
}

TEST(Inventory, DeriversAddToTheSameDelta) {
    World world;
    const MoRef vm = world.add_machine(1);
    {
        Transaction tx(world.inventory);
        tx.set_computed(world.host, property::HostSystem::summary,
                        [](const Reader&) { return Value{}; });
        tx.commit();
    }
    const auto deriver = world.inventory.derive([&](const Delta&, const Inventory::Touch& touch) {
        touch(world.host, property::HostSystem::summary);
    });
    std::size_t changes = 0;
    const auto observer =
        world.inventory.observe([&](const Delta& delta) { changes = delta.changes.size(); });
    world.power(vm, vim::VirtualMachinePowerState::poweredOn);
    EXPECT_EQ(changes, 2U);
}

TEST(Inventory, ReferenceListsAreInOrderWithoutDoubles) {
    World world;
    for (const int number : {10, 9, 100, 9}) {
        Transaction tx(world.inventory);
        tx.add_reference(world.pool, property::ResourcePool::vm,
                         {TypeId::VirtualMachine, fmt::format("vm-{}", number)});
        tx.commit();
    }
    const auto list = world.inventory.get(world.pool).property(property::ResourcePool::vm);
    ASSERT_EQ(list.elements().size(), 3U);
    EXPECT_EQ(list.elements()[0].moref_id(), "vm-9");
    EXPECT_EQ(list.elements()[1].moref_id(), "vm-10");
    EXPECT_EQ(list.elements()[2].moref_id(), "vm-100");
}

TEST(Inventory, LongerListsShareWithShorterOnesAndLeaveThemAlone) {
    World world;
    const auto list = [&] {
        return world.inventory.get(world.pool).property(property::ResourcePool::vm);
    };
    std::vector<Value> before;
    for (int i = 1; i <= 100; ++i) {
        world.add_machine(i);
        before.push_back(list());
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
        ASSERT_EQ(before[i].elements().size(), i + 1);
        EXPECT_EQ(before[i].elements().back().moref_id(), fmt::format("vm-{}", i + 1));
    }
    EXPECT_EQ(before[80].elements().data(), before[99].elements().data());
    // Two that grow from the same one do not meet.
    const Value left = Value::appended(before[98], Value::moref(world.host));
    const Value right = Value::appended(left, Value::moref(world.pool));
    EXPECT_EQ(left.elements().back().moref_id(), world.host.id);
    EXPECT_EQ(right.elements()[99].moref_id(), world.host.id);
    EXPECT_EQ(before[99].elements().back().moref_id(), "vm-100");
}

TEST(Inventory, ASubscriptionEndsWithItsHolder) {
    World world;
    const MoRef vm = world.add_machine(1);
    int calls = 0;
    auto subscription = world.inventory.observe([&](const Delta&) { ++calls; });
    world.power(vm, vim::VirtualMachinePowerState::poweredOn);
    subscription.reset();
    world.power(vm, vim::VirtualMachinePowerState::poweredOff);
    EXPECT_EQ(calls, 1);
}

TEST(InventoryDeathTest, AnObserverMustNotWrite) {
    World world;
    const MoRef vm = world.add_machine(1);
    const auto subscription =
        world.inventory.observe([&](const Delta&) { Transaction tx(world.inventory); });
    EXPECT_DEATH(world.power(vm, vim::VirtualMachinePowerState::poweredOn), "publishing_");
}

TEST(InventoryDeathTest, AValueOfAnotherTypeIsAMistake) {
    World world;
    EXPECT_DEATH(world.set(world.host, property::ManagedEntity::name, Value::int_(3)), "fits");
}

}  // namespace
}  // namespace drover::model
