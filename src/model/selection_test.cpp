#include "model/selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/membership.hpp"
#include "model/selection_walk.hpp"
#include "model/test_world.hpp"

namespace drover::model {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

SpecBudget large_budget() {
    return {1000, 1000, 1000, 100'000};
}

// Walked in steps of one reference; a Membership has to find the same in the same order.
std::vector<std::string> select(const World& world, const vim::PropertyFilterSpec& spec,
                                const TestReader& reader = TestReader()) {
    SpecBudget budget = large_budget();
    const auto selection = Selection::compile(spec, reader.release(), budget);
    SelectionWalk walk(selection, world.inventory, reader);
    std::size_t steps = 1;
    while (!walk.advance(steps)) steps = 1;
    std::vector<std::string> ids;
    for (const ManagedObject* object : walk.take()) ids.push_back(object->id());
    Membership membership(selection);
    std::vector<std::string> members;
    for (const auto* object : membership.refresh(world.inventory, reader).entered) {
        members.push_back(object->id());
    }
    EXPECT_EQ(ids, members);
    return ids;
}

TEST(Selection, TheClassicTraversalEndsAndFindsAll) {
    World world;
    for (int i = 1; i <= 3; ++i) world.add_machine(i);
    const auto spec =
        filter({properties("ManagedEntity", {"name"})}, {start(world.root, classic_traversal())});
    EXPECT_THAT(select(world, spec),
                UnorderedElementsAre("group-d1", "datacenter-2", "group-v3", "group-h4",
                                     "domain-c7", "host-8", "resgroup-9", "vm-1", "vm-2", "vm-3"));
    const auto machines = filter({properties("VirtualMachine", {"name"})},
                                 {start(world.root, classic_traversal(), true)});
    EXPECT_THAT(select(world, machines), ElementsAre("vm-1", "vm-2", "vm-3"));
}

TEST(Selection, ParentsFormNoEndlessRing) {
    World world;
    const MoRef vm = world.add_machine(1);
    const auto up = traversal("up", "ManagedEntity", "parent", {named("up")});
    const auto spec = filter({properties("ManagedEntity", {"name", "parent"})}, {start(vm, {up})});
    EXPECT_THAT(select(world, spec), ElementsAre("vm-1", "group-v3", "datacenter-2", "group-d1"));
}

TEST(Selection, SkipsWhatItPassesThrough) {
    World world;
    world.add_machine(1);
    auto to_folder =
        traversal("", "Datacenter", "vmFolder", {traversal("", "Folder", "childEntity")});
    to_folder.set_skip(true);
    const auto spec = filter({properties("ManagedEntity", {"name"})},
                             {start(world.datacenter, {to_folder}, true)});
    EXPECT_THAT(select(world, spec), ElementsAre("vm-1"));
}

TEST(Selection, LeavesOutWhatTheReaderMayNotSee) {
    World world;
    world.add_machine(1);
    world.add_machine(2);
    TestReader reader;
    reader.hidden = {"vm-1"};
    const auto spec = filter({properties("VirtualMachine", {"name"})},
                             {start(world.vm_folder, {traversal("", "Folder", "childEntity")})});
    EXPECT_THAT(select(world, spec, reader), ElementsAre("vm-2"));
}

TEST(Selection, FollowsNestedPaths) {
    World world;
    const MoRef vm = world.add_machine(1);
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    runtime.set_host(world.host);
    world.set(vm, property::VirtualMachine::runtime, runtime.raw());
    const auto spec = filter({properties("HostSystem", {"name"})},
                             {start(vm, {traversal("", "VirtualMachine", "runtime.host")})});
    EXPECT_THAT(select(world, spec), ElementsAre("host-8"));
}

TEST(Selection, NamesTheFaultOfASpec) {
    World world;
    const auto fault = [&](const vim::PropertyFilterSpec& spec) {
        return fault_of([&] { select(world, spec); });
    };
    const auto names = properties("ManagedEntity", {"name"});
    EXPECT_EQ(fault(filter({names}, {start(world.root, {named("nowhere")})})), "InvalidArgument");
    EXPECT_EQ(fault(filter({names}, {start(world.root, {traversal("", "Nothing", "name")})})),
              "InvalidType");
    EXPECT_EQ(fault(filter({names}, {start(world.root, {traversal("", "Folder", "name")})})),
              "InvalidProperty");
    EXPECT_EQ(fault(filter({properties("VirtualDisk", {"key"})}, {start(world.root)})),
              "InvalidType");
    EXPECT_EQ(fault(filter({properties("ManagedEntity", {"config"})}, {start(world.root)})),
              "InvalidProperty");
    auto deep = traversal("", "Folder", "childEntity");
    for (int i = 0; i < 100; ++i) deep = traversal("", "Folder", "childEntity", {deep});
    EXPECT_EQ(fault(filter({names}, {start(world.root, {deep})})), "InvalidArgument");
}

TEST(Selection, IsBounded) {
    World world;
    for (int i = 1; i <= 20; ++i) world.add_machine(i);
    SpecBudget budget{10, 10, 10, 15};
    const auto spec = filter({properties("ManagedEntity", {"name"})},
                             {start(world.vm_folder, {traversal("", "Folder", "childEntity")})});
    const auto selection = Selection::compile(spec, vim::newest_release(), budget);
    EXPECT_EQ(fault_of([&] {
                  std::size_t steps = 1000;
                  const TestReader reader;
                  SelectionWalk(selection, world.inventory, reader).advance(steps);
              }),
              "InvalidArgument");
    SpecBudget paths{10, 1, 10, 10};
    EXPECT_EQ(fault_of([&] {
                  Selection::compile(filter({properties("ManagedEntity", {"name", "parent"})}, {}),
                                     vim::newest_release(), paths);
              }),
              "InvalidArgument");
}

std::vector<std::string> path_texts(const TypePlan& plan) {
    std::vector<std::string> all;
    for (const auto& path : plan.paths) all.push_back(path.path.text());
    return all;
}

TEST(Selection, PutsTheMostDerivedTypesPathsFirst) {
    World world;
    SpecBudget budget = large_budget();
    const auto spec = filter({properties("ManagedEntity", {"name", "parent"}),
                              properties("VirtualMachine", {"config.uuid", "name"})},
                             {start(world.root)});
    const auto selection = Selection::compile(spec, vim::newest_release(), budget);
    EXPECT_THAT(path_texts(selection.plan(TypeId::VirtualMachine)),
                ElementsAre("config.uuid", "name", "parent"));
    EXPECT_THAT(path_texts(selection.plan(TypeId::Folder)), ElementsAre("name", "parent"));
    EXPECT_FALSE(selection.plan(TypeId::Task).selectable);
}

TEST(Selection, AllMeansWhatTheReleaseKnows) {
    SpecBudget budget = large_budget();
    const auto spec = filter({properties("ManagedEntity", {}, true)}, {});
    const auto old = Selection::compile(spec, *vim::find_release("2.5"), budget);
    const auto current = Selection::compile(spec, vim::newest_release(), budget);
    const auto old_paths = path_texts(old.plan(TypeId::VirtualMachine));
    const auto all_paths = path_texts(current.plan(TypeId::VirtualMachine));
    EXPECT_THAT(old_paths, ::testing::Contains("config"));
    EXPECT_THAT(old_paths, ::testing::Not(::testing::Contains("layoutEx")));
    EXPECT_THAT(all_paths, ::testing::Contains("layoutEx"));
}

}  // namespace
}  // namespace drover::model
