#include "center/tree/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "center/tree/test_center.hpp"

namespace drover::center {
namespace {

using task::fault_name;
using testing::ElementsAre;
using testing::IsEmpty;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

class TreeTest : public testing::Test, public TestCenter {
protected:
    Tree& tree() { return world->tree; }
    void destroy(const MoRef& entity) { run_task(entity, "Destroy_Task"); }
};

TEST_F(TreeTest, BeginsWithTheRootFolder) {
    EXPECT_THAT(picture(), ElementsAre("Folder group-d1 Datacenters -"));
}

TEST_F(TreeTest, DatacentersHaveFourFolders) {
    const MoRef datacenter = create_datacenter("dc");
    EXPECT_EQ(datacenter.id, "datacenter-2");
    EXPECT_EQ(tree().vm_folder_of(datacenter).id, "group-v3");
    EXPECT_EQ(tree().host_folder_of(datacenter).id, "group-h4");
    EXPECT_EQ(tree().datastore_folder_of(datacenter).id, "group-s5");
    EXPECT_EQ(tree().network_folder_of(datacenter).id, "group-n6");
    EXPECT_EQ(property(datacenter, "vmFolder").moref_id(), "group-v3");
    EXPECT_EQ(property(datacenter, "networkFolder").moref_id(), "group-n6");
    EXPECT_THAT(references(references::root_folder, "childEntity"), ElementsAre("datacenter-2"));
    EXPECT_EQ(tree().datacenter_of({TypeId::Folder, "group-v3"}), datacenter);
    EXPECT_THAT(world->events.types(), ElementsAre("DatacenterCreatedEvent"));
}

TEST_F(TreeTest, EverythingIsTheSameAfterARestart) {
    const MoRef outer = create_folder(references::root_folder, "outer");
    const MoRef datacenter = create_datacenter("dc");
    const MoRef inner = create_folder(tree().vm_folder_of(datacenter), "a");
    create_folder(inner, "b");
    const MoRef cluster = create_cluster(tree().host_folder_of(datacenter), "cluster");
    const MoRef alone =
        run(tree().add_compute_resource(tree().host_folder_of(datacenter), "10.0.0.9", {}));
    rename(inner, "renamed");
    move(outer, {datacenter});
    const auto before = picture();
    EXPECT_EQ(property(datacenter, "parent").moref_id(), outer.id);
    restart();
    EXPECT_EQ(picture(), before);
    EXPECT_EQ(name_of(inner), "renamed");
    EXPECT_EQ(tree().root_pool_of(cluster).id, property(cluster, "resourcePool").moref_id());
    EXPECT_EQ(tree().owner_of_pool(tree().root_pool_of(alone)), alone);
    EXPECT_THAT(references(references::root_folder, "childEntity"), ElementsAre(outer.id));
}

TEST_F(TreeTest, NumbersAreNeverUsedTwice) {
    const MoRef first = create_folder(references::root_folder, "a");
    destroy(first);
    restart();
    const MoRef second = create_folder(references::root_folder, "a");
    EXPECT_NE(first.id, second.id);
    std::set<std::string> seen;
    for (int i = 0; i < 1'000; ++i) {
        EXPECT_TRUE(seen.insert(world->numbers.next_id("x")).second);
    }
    restart();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(seen.insert(world->numbers.next_id("x")).second);
}

TEST_F(TreeTest, NamesAreCheckedAndUnique) {
    create_folder(references::root_folder, "a");
    EXPECT_EQ(fault_name([&] { create_folder(references::root_folder, "a"); }), "DuplicateName");
    EXPECT_EQ(fault_name([&] { create_datacenter("a"); }), "DuplicateName");
    EXPECT_EQ(fault_name([&] { create_datacenter(""); }), "InvalidName");
    EXPECT_EQ(fault_name([&] { create_datacenter(std::string(81, 'x')); }), "InvalidName");
    EXPECT_EQ(fault_name([&] { create_datacenter("a\nb"); }), "InvalidName");
    EXPECT_EQ(fault_name([&] { create_datacenter("\xff"); }), "InvalidName");
    EXPECT_EQ(name_of(create_datacenter("a/b%c")), "a%2fb%25c");
    const MoRef other = create_folder(references::root_folder, "other");
    EXPECT_EQ(fault_name([&] { rename(other, "a"); }), "DuplicateName");
    EXPECT_EQ(fault_name([&] { rename(other, ""); }), "InvalidName");
    rename(other, "other");
}

TEST_F(TreeTest, FoldersHoldTheirKindOnly) {
    const MoRef datacenter = create_datacenter("dc");
    const MoRef machines = tree().vm_folder_of(datacenter);
    const MoRef hosts = tree().host_folder_of(datacenter);
    EXPECT_EQ(fault_name([&] { create_cluster(machines, "c"); }), "NotSupported");
    EXPECT_EQ(fault_name([&] { create_cluster(references::root_folder, "c"); }), "NotSupported");
    auto request = vim::CreateDatacenterRequest::make();
    request.set_name("inner");
    EXPECT_EQ(fault_name([&] { call(hosts, "CreateDatacenter", request); }), "NotSupported");
    const MoRef cluster = create_cluster(hosts, "c");
    const MoRef folder = create_folder(machines, "f");
    EXPECT_EQ(fault_name([&] { move(machines, {cluster}); }), "NotSupported");
    EXPECT_EQ(fault_name([&] { move(hosts, {folder}); }), "NotSupported");
    const MoRef below = create_folder(folder, "below");
    EXPECT_EQ(fault_name([&] { move(below, {folder}); }), "InvalidFolder");
    EXPECT_EQ(fault_name([&] { move(folder, {folder}); }), "InvalidFolder");
    const MoRef other = create_datacenter("other");
    EXPECT_EQ(fault_name([&] { move(tree().vm_folder_of(other), {folder}); }), "NotSupported");
    create_folder(folder, "c");
    const MoRef twin = create_folder(machines, "c");
    EXPECT_EQ(fault_name([&] { move(folder, {twin}); }), "DuplicateName");
}

TEST_F(TreeTest, WhatBelongsTogetherStaysTogether) {
    const MoRef datacenter = create_datacenter("dc");
    const MoRef cluster = create_cluster(tree().host_folder_of(datacenter), "c");
    const MoRef fixed[] = {references::root_folder, tree().vm_folder_of(datacenter),
                           tree().root_pool_of(cluster)};
    for (const MoRef& each : fixed) {
        EXPECT_EQ(fault_name([&] { rename(each, "x"); }), "NotSupported") << each.id;
        EXPECT_EQ(fault_name([&] { destroy(each); }), "NotSupported") << each.id;
    }
    EXPECT_EQ(fault_name([&] { move(references::root_folder, {tree().vm_folder_of(datacenter)}); }),
              "NotSupported");
}

TEST_F(TreeTest, DestroyingTakesEverythingBelow) {
    const MoRef outer = create_folder(references::root_folder, "outer");
    const MoRef datacenter = create_datacenter("dc");
    move(outer, {datacenter});
    create_cluster(tree().host_folder_of(datacenter), "c");
    create_folder(tree().vm_folder_of(datacenter), "f");
    destroy(outer);
    EXPECT_THAT(picture(), ElementsAre("Folder group-d1 Datacenters -"));
    EXPECT_THAT(references(references::root_folder, "childEntity"), IsEmpty());
    restart();
    EXPECT_THAT(picture(), ElementsAre("Folder group-d1 Datacenters -"));
}

TEST_F(TreeTest, MachinesGoWithTheirFolderByTheirOwner) {
    const MoRef datacenter = create_datacenter("dc");
    const MoRef folder = create_folder(tree().vm_folder_of(datacenter), "f");
    const MoRef machine{TypeId::VirtualMachine, "vm-99"};
    model::Transaction transaction(world->inventory);
    transaction.create(machine.type, machine.id);
    Tree::set_entity_basics(transaction, machine, "m", {});
    tree().attach_machine(transaction, folder, {}, machine);
    transaction.commit();
    EXPECT_EQ(property(machine, "parent").moref_id(), folder.id);
    EXPECT_EQ(fault_name([&] { create_folder(folder, "m"); }), "DuplicateName");
    EXPECT_EQ(fault_name([&] { destroy(folder); }), "NotSupported");
    tree().on_destroy(TypeId::VirtualMachine,
                      [&](MoRef child, std::string) -> task::Awaitable<void> {
                          model::Transaction removal(world->inventory);
                          tree().detach_machine(removal, folder, {}, child);
                          removal.destroy(child);
                          removal.commit();
                          co_return;
                      });
    destroy(folder);
    EXPECT_EQ(name_of(folder), "gone");
    EXPECT_EQ(name_of(machine), "gone");
}

TEST_F(TreeTest, ReservedReferencesOfComputeResourcesAreKept) {
    const MoRef folder = tree().host_folder_of(create_datacenter("dc"));
    const MoRef reserved = world->numbers.next(TypeId::ComputeResource);
    EXPECT_EQ(run(tree().add_compute_resource(folder, "h", reserved)), reserved);
    EXPECT_EQ(run(tree().add_compute_resource(folder, "h", reserved)), reserved);
    EXPECT_EQ(fault_name([&] { run(tree().add_compute_resource(folder, "h", {})); }),
              "DuplicateName");
    run(tree().remove_compute_resource(reserved));
    run(tree().remove_compute_resource(reserved));
    EXPECT_EQ(name_of(reserved), "gone");
}

TEST_F(TreeTest, DamageLeavesOutWhatHangsBelow) {
    const MoRef outer = create_folder(references::root_folder, "outer");
    create_folder(outer, "inner");
    store::Record damaged = *store->get("tree", outer.id);
    damaged.value = "{";
    store->commit_and_wait(store::Batch().put(damaged));
    restart();
    EXPECT_THAT(picture(), ElementsAre("Folder group-d1 Datacenters -"));
    EXPECT_EQ(store->get("tree", outer.id)->value, "{");
}

}  // namespace
}  // namespace drover::center
