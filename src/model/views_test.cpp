#include "model/views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/containment.hpp"
#include "model/property_collector.hpp"
#include "model/test_world.hpp"

namespace drover::model {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct ViewsTest : ::testing::Test {
    World world;
    base::SeededRandom random{5};
    Views views{world.inventory, "ViewManager", world.root, random};
    TestReader reader;

    std::vector<std::string> ids(const MoRef& view, const TestReader& who) const {
        std::vector<std::string> all;
        const Value list = fetch(world.inventory, who, view, "view");
        for (const Value& each : list.elements()) all.emplace_back(each.moref_id());
        return all;
    }
    std::vector<std::string> ids(const MoRef& view) const { return ids(view, reader); }
    static std::vector<std::string> ids(const std::vector<MoRef>& refs) {
        std::vector<std::string> all;
        for (const auto& ref : refs) all.push_back(ref.id);
        return all;
    }
};

TEST_F(ViewsTest, AContainerViewHoldsWhatIsBelow) {
    world.add_machine(1);
    EXPECT_THAT(ids(views.create_container_view(reader, world.root, {}, false)),
                ElementsAre("datacenter-2"));
    EXPECT_THAT(ids(views.create_container_view(reader, world.root, {}, true)),
                UnorderedElementsAre("datacenter-2", "group-v3", "group-h4", "group-s5", "group-n6",
                                     "domain-c7", "host-8", "resgroup-9", "datastore-10",
                                     "network-11", "vm-1"));
    EXPECT_THAT(
        ids(views.create_container_view(reader, world.root, {"ComputeResource", "Network"}, true)),
        UnorderedElementsAre("domain-c7", "network-11"));
    EXPECT_THAT(ids(views.create_container_view(reader, world.cluster, {"VirtualMachine"}, true)),
                ElementsAre("vm-1"));
    EXPECT_THAT(ids(views.create_container_view(reader, world.cluster, {}, false)),
                UnorderedElementsAre("resgroup-9", "host-8"));
    EXPECT_THAT(ids(views.create_container_view(reader, world.host, {"VirtualMachine"}, false)),
                ElementsAre("vm-1"));
}

TEST_F(ViewsTest, AContainerViewFollowsTheInventory) {
    const MoRef view = views.create_container_view(reader, world.root, {"VirtualMachine"}, true);
    EXPECT_THAT(ids(view), IsEmpty());
    const MoRef vm = world.add_machine(1);
    world.add_machine(2);
    EXPECT_THAT(ids(view), ElementsAre("vm-1", "vm-2"));
    world.remove_machine(vm);
    EXPECT_THAT(ids(view), ElementsAre("vm-2"));
}

TEST_F(ViewsTest, AChangeThatLeadsNowhereDoesNotTouchAView) {
    const MoRef vm = world.add_machine(1);
    const MoRef view = views.create_container_view(reader, world.root, {"VirtualMachine"}, true);
    ids(view);
    std::size_t touched = 0;
    const auto observer = world.inventory.observe([&](const Delta& delta) {
        for (const auto& change : delta.changes) touched += change.object->ref() == view ? 1U : 0U;
    });
    world.power(vm, vim::VirtualMachinePowerState::poweredOn);
    EXPECT_EQ(touched, 0U);
    world.remove_machine(vm);
    EXPECT_EQ(touched, 1U);
}

TEST_F(ViewsTest, AContainerViewFollowsWhatMoves) {
    const MoRef vm = world.add_machine(1);
    Transaction tx(world.inventory);
    const MoRef folder = World::add(tx, TypeId::Folder, "group-v99", "sub", world.vm_folder);
    tx.add_reference(world.vm_folder, property::Folder::childEntity, folder);
    tx.commit();
    const MoRef below = views.create_container_view(reader, folder, {}, true);
    const MoRef direct = views.create_container_view(reader, world.vm_folder, {}, false);
    EXPECT_THAT(ids(below), IsEmpty());
    EXPECT_THAT(ids(direct), UnorderedElementsAre("vm-1", "group-v99"));
    Transaction move(world.inventory);
    move.remove_reference(world.vm_folder, property::Folder::childEntity, vm);
    move.add_reference(folder, property::Folder::childEntity, vm);
    move.commit();
    EXPECT_THAT(ids(below), ElementsAre("vm-1"));
    EXPECT_THAT(ids(direct), ElementsAre("group-v99"));
    // With its folder all that is in it goes, and the container of a view may go as well.
    Transaction gone(world.inventory);
    gone.remove_reference(world.vm_folder, property::Folder::childEntity, folder);
    gone.destroy(folder);
    gone.commit();
    EXPECT_THAT(ids(below), IsEmpty());
    EXPECT_THAT(ids(direct), IsEmpty());
}

TEST_F(ViewsTest, ShowsOnlyWhatTheReaderMaySee) {
    world.add_machine(1);
    world.add_machine(2);
    const MoRef view = views.create_container_view(reader, world.root, {"VirtualMachine"}, true);
    reader.hidden = {"vm-1"};
    EXPECT_THAT(ids(view), ElementsAre("vm-2"));
    EXPECT_EQ(fault_of([&] { ids(view, TestReader("bob")); }), "ManagedObjectNotFound");
}

TEST_F(ViewsTest, ContainerViewsNameWhatIsWrong) {
    const MoRef vm = world.add_machine(1);
    EXPECT_EQ(fault_of([&] { views.create_container_view(reader, vm, {}, true); }),
              "InvalidArgument");
    EXPECT_EQ(fault_of([&] { views.create_container_view(reader, world.root, {"Car"}, true); }),
              "InvalidArgument");
    const MoRef gone{TypeId::Folder, "group-none"};
    EXPECT_EQ(fault_of([&] { views.create_container_view(reader, gone, {}, true); }),
              "ManagedObjectNotFound");
}

TEST_F(ViewsTest, ListViewsChangeAsTold) {
    const MoRef one = world.add_machine(1);
    const MoRef two = world.add_machine(2);
    const MoRef gone{TypeId::VirtualMachine, "vm-9"};
    const MoRef view = views.create_list_view(reader, {one});
    EXPECT_THAT(ids(view), ElementsAre("vm-1"));
    EXPECT_THAT(ids(views.modify_list_view(reader, view, {two, gone}, {one})), ElementsAre("vm-9"));
    EXPECT_THAT(ids(view), ElementsAre("vm-2"));
    EXPECT_THAT(ids(views.reset_list_view(reader, view, {two, one, two})), IsEmpty());
    EXPECT_THAT(ids(view), ElementsAre("vm-2", "vm-1"));
    world.remove_machine(two);
    EXPECT_THAT(ids(view), ElementsAre("vm-1"));
    const MoRef all = views.create_container_view(reader, world.datacenter, {}, false);
    const MoRef copy = views.create_list_view_from_view(reader, all);
    EXPECT_EQ(ids(copy), ids(all));
    views.reset_list_view_from_view(reader, copy, view);
    EXPECT_THAT(ids(copy), ElementsAre("vm-1"));
    EXPECT_EQ(fault_of([&] { views.modify_list_view(reader, all, {}, {}); }),
              "ManagedObjectNotFound");
}

TEST_F(ViewsTest, InventoryViewsOpenAndClose) {
    world.add_machine(1);
    const MoRef view = views.create_inventory_view(reader);
    EXPECT_THAT(ids(view), ElementsAre("group-d1"));
    views.open_inventory_view_folder(reader, view, {world.root, world.datacenter});
    EXPECT_THAT(ids(view), ElementsAre("group-d1", "datacenter-2", "group-v3", "group-h4",
                                       "group-s5", "group-n6"));
    views.open_inventory_view_folder(reader, view, {world.vm_folder});
    EXPECT_EQ(ids(view).back(), "vm-1");
    views.close_inventory_view_folder(reader, view, {world.datacenter});
    EXPECT_THAT(ids(view), ElementsAre("group-d1", "datacenter-2"));
}

TEST_F(ViewsTest, EndWithTheirSession) {
    const auto before = world.inventory.size();
    const MoRef manager{TypeId::ViewManager, "ViewManager"};
    const MoRef view = views.create_inventory_view(reader);
    views.create_list_view(reader, {});
    const MoRef other = views.create_list_view(TestReader("bob"), {});
    EXPECT_EQ(fetch(world.inventory, reader, manager, "viewList").elements().size(), 2U);
    EXPECT_EQ(fault_of([&] { views.destroy_view(TestReader("bob"), view); }),
              "ManagedObjectNotFound");
    views.end_session("alice");
    EXPECT_FALSE(fetch(world.inventory, reader, manager, "viewList"));
    views.destroy_view(TestReader("bob"), other);
    EXPECT_EQ(world.inventory.size(), before);
}

TEST_F(ViewsTest, AreBounded) {
    Views few(world.inventory, "few", world.root, random, {2, 1});
    few.create_inventory_view(reader);
    const MoRef list = few.create_list_view(reader, {});
    EXPECT_EQ(fault_of([&] { few.create_inventory_view(reader); }), "InvalidRequest");
    EXPECT_EQ(fault_of([&] { few.modify_list_view(reader, list, {world.root, world.host}, {}); }),
              "InvalidArgument");
    EXPECT_EQ(fault_of([&] { few.create_inventory_view(TestReader("")); }), "NotAuthenticated");
}

}  // namespace
}  // namespace drover::model
