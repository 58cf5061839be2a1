#include "model/search_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"

namespace drover::model {
namespace {

using namespace testing;

struct SearchIndexTest : ::testing::Test {
    World world;
    MoRef vm = world.add_machine(1);
    SearchIndex search{world.inventory, "SearchIndex", world.root};
    TestReader reader;

    std::string path(std::string_view text) const {
        return search.find_by_inventory_path(reader, text).id;
    }
};

TEST_F(SearchIndexTest, FindsMachinesByUuid) {
    const std::string uuid = "4200AAAA-0000-0000-0000-000000000001";
    EXPECT_EQ(search.find_by_uuid(reader, {}, uuid, true, false), vm);
    EXPECT_EQ(search.find_by_uuid(reader, world.datacenter, uuid, true, false), vm);
    EXPECT_FALSE(search.find_by_uuid(reader, {}, uuid, true, true));
    EXPECT_FALSE(search.find_by_uuid(reader, {}, uuid, false, false));
    const MoRef later = world.add_machine(2);
    EXPECT_EQ(search.find_by_uuid(reader, {}, "5000bbbb-0000-0000-0000-000000000002", true, true),
              later);
    vim::VirtualMachineConfigInfo config(World::make_config(2));
    config.set_uuid(uuid);
    world.set(later, property::VirtualMachine::config, config.raw());
    EXPECT_EQ(search.find_all_by_uuid(reader, {}, uuid, true, false),
              (std::vector<MoRef>{vm, later}));
    world.remove_machine(vm);
    EXPECT_EQ(search.find_by_uuid(reader, {}, uuid, true, false), later);
}

TEST_F(SearchIndexTest, NarrowsToADatacenter) {
    Transaction tx(world.inventory);
    const MoRef other = World::add(tx, TypeId::Datacenter, "datacenter-50", "other", world.root);
    tx.commit();
    EXPECT_FALSE(search.find_by_datastore_path(reader, other, "[store] machine1/machine1.vmx"));
    EXPECT_EQ(
        search.find_by_datastore_path(reader, world.datacenter, "[store] machine1/machine1.vmx"),
        vm);
    EXPECT_EQ(
        fault_of([&] { search.find_by_datastore_path(reader, {TypeId::Datacenter, "none"}, "x"); }),
        "ManagedObjectNotFound");
}

TEST_F(SearchIndexTest, FindsByGuestAddressAndName) {
    auto nic = vim::GuestNicInfo::make();
    nic.set_ipAddress({"192.0.2.7", "2001:DB8::7"});
    auto guest = vim::GuestInfo::make();
    guest.set_ipAddress("192.0.2.7");
    guest.set_hostName("Web.example.org");
    guest.set_net({nic});
    world.set(vm, property::VirtualMachine::guest, guest.raw());
    EXPECT_EQ(search.find_by_ip(reader, {}, "192.0.2.7", true), vm);
    EXPECT_EQ(search.find_by_ip(reader, {}, "2001:db8::7", true), vm);
    EXPECT_EQ(search.find_all_by_dns_name(reader, {}, "web.EXAMPLE.org", true).size(), 1U);
    world.set(vm, property::VirtualMachine::guest, {});
    EXPECT_FALSE(search.find_by_ip(reader, {}, "192.0.2.7", true));
    EXPECT_EQ(search.find_by_ip(reader, {}, "10.0.0.1", false), world.host);
    EXPECT_EQ(search.find_by_dns_name(reader, {}, "10.0.0.1", false), world.host);
}

TEST_F(SearchIndexTest, WalksInventoryPaths) {
    EXPECT_EQ(path(""), "group-d1");
    EXPECT_EQ(path("/"), "group-d1");
    EXPECT_EQ(path("dc"), "datacenter-2");
    EXPECT_EQ(path("/dc/vm/machine1"), "vm-1");
    EXPECT_EQ(path("dc/host/cluster/10.0.0.1"), "host-8");
    EXPECT_EQ(path("dc/host/cluster/Resources/machine1"), "vm-1");
    EXPECT_EQ(path("dc/datastore/store/"), "datastore-10");
    EXPECT_EQ(path("dc/machine1"), "");
    EXPECT_EQ(path("dc/vm/MACHINE1"), "");
    world.set(vm, property::ManagedEntity::name, Value::string("a%2fb"));
    EXPECT_EQ(path("dc/vm/a%2Fb"), "vm-1");
    EXPECT_EQ(path("dc/vm/machine1"), "");
}

TEST_F(SearchIndexTest, FindsChildrenTheReaderMaySee) {
    EXPECT_EQ(search.find_child(reader, world.vm_folder, "machine1"), vm);
    EXPECT_FALSE(search.find_child(reader, world.root, "machine1"));
    reader.hidden = {"vm-1"};
    EXPECT_FALSE(search.find_child(reader, world.vm_folder, "machine1"));
    EXPECT_EQ(path("dc/vm/machine1"), "");
    reader.hidden = {world.root.id};
    EXPECT_EQ(fault_of([&] { search.find_child(reader, world.root, "dc"); }),
              "ManagedObjectNotFound");
}

}  // namespace
}  // namespace drover::model
