#include "center/mirror/mirror.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "center/tree/numbers.hpp"
#include "service/history/collected_events.hpp"
#include "store/journal.hpp"
#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {
namespace {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
using Kind = vim::ObjectUpdateKind;
using Power = vim::VirtualMachinePowerState;
namespace property = vim::property;

const MoRef kRoot{TypeId::Folder, "group-d1"};
const MoRef kHostSystem{TypeId::HostSystem, "ha-host"};

struct MachineSpec {
    std::string id;
    std::string uuid;
    std::string path;
    Power power = Power::poweredOff;
};

vim::ObjectUpdate update_of(Kind kind, const MoRef& object,
                            const std::vector<std::pair<std::string, Value>>& values = {}) {
    auto update = vim::ObjectUpdate::make();
    update.set_kind(kind);
    update.set_obj(object);
    std::vector<vim::PropertyChange> changes;
    for (const auto& [name, value] : values) {
        auto change = vim::PropertyChange::make();
        change.set_name(name);
        change.set_op(vim::PropertyChangeOp::assign);
        change.set_val(value);
        changes.push_back(change);
    }
    update.set_changeSet(changes);
    return update;
}

vim::PropertyFilterUpdate filter_of(const std::vector<vim::ObjectUpdate>& objects) {
    auto update = vim::PropertyFilterUpdate::make();
    update.set_objectSet(objects);
    return update;
}

Value list_of(TypeId type, const std::string& id) {
    return Value::array(type, {Value::moref(type, id)});
}

vim::ObjectUpdate machine_update(const MachineSpec& spec, Kind kind = Kind::enter) {
    auto files = vim::VirtualMachineFileInfo::make();
    files.set_vmPathName(spec.path);
    auto config = vim::VirtualMachineConfigInfo::make();
    config.set_instanceUuid(spec.uuid);
    config.set_files(files);
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    runtime.set_host(kHostSystem);
    runtime.set_connectionState(vim::VirtualMachineConnectionState::connected);
    runtime.set_powerState(spec.power);
    auto shown = vim::VirtualMachineConfigSummary::make();
    shown.set_name("machine " + spec.uuid);
    shown.set_template(false);
    auto summary = vim::VirtualMachineSummary::make();
    summary.set_vm({TypeId::VirtualMachine, spec.id});
    summary.set_runtime(runtime);
    summary.set_config(shown);
    summary.set_quickStats(vim::VirtualMachineQuickStats::make());
    return update_of(kind, {TypeId::VirtualMachine, spec.id},
                     {{"name", Value::string("machine " + spec.uuid)},
                      {"config", config.raw()},
                      {"runtime", runtime.raw()},
                      {"summary", summary.raw()},
                      {"datastore", list_of(TypeId::Datastore, "ds")},
                      {"network", list_of(TypeId::Network, "net")}});
}

// What every host has: itself, the folders, a shared datastore and a network.
std::vector<vim::ObjectUpdate> basics_of_host(const std::string& url = "ds:///shared/") {
    auto summary = vim::DatastoreSummary::make();
    summary.set_datastore({TypeId::Datastore, "ds"});
    summary.set_name("shared");
    summary.set_url(url);
    summary.set_accessible(true);
    summary.set_type("local");
    auto info = vim::HostMountInfo::make();
    info.set_path("/vmfs/volumes/shared");
    info.set_accessible(true);
    auto mount = vim::DatastoreHostMount::make();
    mount.set_key(kHostSystem);
    mount.set_mountInfo(info);
    return {
        update_of(Kind::enter, kHostSystem, {{"name", Value::string("its own name")}}),
        update_of(Kind::enter, {TypeId::Datacenter, "ha-dc"},
                  {{"vmFolder", Value::moref(TypeId::Folder, "ha-folder-vm")}}),
        update_of(Kind::enter, {TypeId::ComputeResource, "ha-cr"},
                  {{"resourcePool", Value::moref(TypeId::ResourcePool, "ha-root-pool")}}),
        update_of(Kind::enter, {TypeId::Datastore, "ds"},
                  {{"name", Value::string("shared")},
                   {"summary", summary.raw()},
                   {"host", Value::array(TypeId::DatastoreHostMount, {mount.raw()})}}),
        update_of(Kind::enter, {TypeId::Network, "net"}, {{"name", Value::string("VM Network")}}),
    };
}

class MirrorTest : public ::testing::Test {
protected:
    MirrorTest() { boot(); }
    ~MirrorTest() override {
        settle();
        world.reset();
        runtime.settle();
    }

    void boot() {
        world.emplace(*this);
        world->start();
    }
    void reboot() {
        settle();
        world.reset();
        runtime.settle();
        boot();
    }

    struct World {
        explicit World(MirrorTest& test)
            : test_(test),
              dispatcher(inventory, [](const auto&...) { return true; }),
              tasks(test.runtime.runtime, inventory, {TypeId::TaskManager, "TaskManager"},
                    [](std::exception_ptr) { return vim::make_fault<vim::SystemError>("failed"); }),
              store(store::open_sqlite_store(test.directory.path() / "store")),
              journal(*store),
              sagas(test.runtime.runtime, journal, [&test] { return test.random.uuid(); }),
              authorization({test.runtime.runtime, inventory, *store, kRoot, {}}),
              methods(inventory, dispatcher, tasks),
              numbers(test.runtime.runtime, *store),
              basics{test.config, "uuid",    test.runtime.runtime,
                     test.random, inventory, dispatcher,
                     tasks,       sagas,     *store,
                     {},          events,    authorization,
                     methods,     numbers},
              tree(basics),
              context(basics, tree),
              mirror(context) {}

        void start() {
            test_.runtime.run(numbers.start());
            test_.runtime.run(tree.start());
            if (tree.datacenters().empty()) {
                auto request = vim::CreateDatacenterRequest::make();
                request.set_name("dc");
                task::Call call;
                call.self = kRoot;
                call.method = vim::find_method("CreateDatacenter");
                call.request = request.raw();
                call.caller = std::make_shared<task::Caller>();
                call.caller->session_key = "s";
                test_.runtime.run(dispatcher.invoke(call));
            }
            datacenter = tree.datacenters().front();
            test_.runtime.run(mirror.start());
        }

        MirrorTest& test_;
        model::Inventory inventory;
        task::Dispatcher dispatcher;
        task::Tasks tasks;
        std::unique_ptr<store::Store> store;
        store::Journal journal;
        task::SagaRunner sagas;
        service::CollectedEvents events;
        service::Authorization authorization;
        TypedMethods methods;
        Numbers numbers;
        CenterBasics basics;
        Tree tree;
        CenterContext context;
        Mirror mirror;
        MoRef datacenter;
    };

    Host& add_host(const std::string& name, const MoRef& known = {}, const MoRef& resource = {}) {
        auto host = std::make_unique<Host>();
        host->ref = known ? known : world->numbers.next(TypeId::HostSystem);
        host->name = name;
        host->compute_resource = resource
                                     ? resource
                                     : runtime.run(world->tree.add_compute_resource(
                                           world->tree.host_folder_of(world->datacenter), name));
        model::Transaction transaction(world->inventory);
        transaction.create(host->ref.type, host->ref.id);
        transaction.commit();
        hosts.push_back(std::move(host));
        world->mirror.add_host(*hosts.back());
        return *hosts.back();
    }

    void picture(Host& host, const std::vector<MachineSpec>& machines,
                 const std::string& url = "ds:///shared/") {
        auto updates = basics_of_host(url);
        for (const auto& each : machines) updates.push_back(machine_update(each));
        world->mirror.take(host, filter_of(updates), true);
        world->mirror.set_state(host, LinkState::connected);
        settle();
    }
    void say(Host& host, const std::vector<vim::ObjectUpdate>& updates) {
        world->mirror.take(host, filter_of(updates), false);
        settle();
    }
    void leave(Host& host, const std::string& id) {
        say(host, {update_of(Kind::leave, {TypeId::VirtualMachine, id})});
    }
    // Until all that hosts have said is stored and published.
    void settle() {
        for (const auto& host : hosts) runtime.run(world->mirror.refresh(*host, {}));
        for (int i = 0; i < 3; ++i) {
            runtime.settle();
            runtime.drain("store");
            world->store->flush();
        }
        runtime.settle();
    }
    void pass(std::chrono::seconds time) {
        runtime.clock.advance(time);
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{1200};
        runtime.run_until([until] { return std::chrono::steady_clock::now() >= until; });
        settle();
    }

    std::vector<MoRef> machines() const {
        std::vector<MoRef> found;
        world->inventory.for_each([&](const model::ManagedObject& object) {
            if (object.type() == TypeId::VirtualMachine) found.push_back(object.ref());
        });
        return found;
    }
    std::vector<MoRef> all(TypeId type) const {
        std::vector<MoRef> found;
        world->inventory.for_each([&](const model::ManagedObject& object) {
            if (object.type() == type) found.push_back(object.ref());
        });
        return found;
    }
    const Value& get(const MoRef& object, model::PropertyIndex index) const {
        return world->inventory.get(object).property(index);
    }
    vim::VirtualMachineRuntimeInfo runtime_of(const MoRef& machine) const {
        return vim::VirtualMachineRuntimeInfo(get(machine, property::VirtualMachine::runtime));
    }
    MoRef host_of(const MoRef& machine) const { return runtime_of(machine).host().value(); }
    bool is_listed(const MoRef& object, model::PropertyIndex index, const MoRef& wanted) const {
        for (const Value& each : get(object, index).elements()) {
            if (each.moref_id() == wanted.id) return true;
        }
        return false;
    }

    task::TestRuntime runtime;
    store::TemporaryDirectory directory;
    base::SystemRandom random;
    Config config;
    std::vector<std::unique_ptr<Host>> hosts;
    std::optional<World> world;
};

const MachineSpec kWeb{"1", "web", "[shared] web/web.vmx"};

TEST_F(MirrorTest, PublishesMachinesUnderTheCentersReferences) {
    Host& host = add_host("a");
    picture(host, {kWeb, {"2", "db", "[shared] db/db.vmx", Power::poweredOn}});
    ASSERT_EQ(machines().size(), 2u);
    const MoRef web = world->mirror.center_ref_of(host, {TypeId::VirtualMachine, "1"});
    const MoRef folder = world->tree.vm_folder_of(world->datacenter);
    EXPECT_TRUE(web.id.starts_with("vm-"));
    EXPECT_EQ(get(web, property::VirtualMachine::name), Value::string("machine web"));
    EXPECT_EQ(get(web, property::ManagedEntity::parent), Value::moref(folder));
    EXPECT_TRUE(is_listed(folder, property::Folder::childEntity, web));
    EXPECT_TRUE(is_listed(world->tree.root_pool_of(host.compute_resource),
                          property::ResourcePool::vm, web));
    EXPECT_EQ(host_of(web), host.ref);
    EXPECT_TRUE(is_listed(host.ref, property::HostSystem::vm, web));
    const MoRef datastore = all(TypeId::Datastore).at(0);
    EXPECT_TRUE(is_listed(datastore, property::Datastore::vm, web));
    EXPECT_TRUE(is_listed(web, property::VirtualMachine::datastore, datastore));
    EXPECT_TRUE(is_listed(host.ref, property::HostSystem::datastore, datastore));
    const auto home = world->mirror.home_of(web);
    ASSERT_TRUE(home);
    EXPECT_EQ(home->ref.id, "1");
    EXPECT_EQ(world->mirror.host_ref_of(host, datastore)->id, "ds");
    EXPECT_EQ(world->mirror.host_ref_of(host, folder)->id, "ha-folder-vm");
}

TEST_F(MirrorTest, KeepsReferencesOverARestart) {
    Host& host = add_host("a");
    picture(host, {kWeb});
    const MoRef web = machines().at(0);
    const MoRef datastore = all(TypeId::Datastore).at(0);
    const MoRef host_ref = host.ref;
    const MoRef resource = host.compute_resource;
    reboot();
    ASSERT_EQ(machines(), std::vector{web});
    Host& again = add_host("a", host_ref, resource);
    EXPECT_EQ(runtime_of(web).connectionState(), vim::VirtualMachineConnectionState::disconnected);
    EXPECT_EQ(host_of(web), host_ref);
    picture(again, {kWeb});
    EXPECT_EQ(machines(), std::vector{web});
    EXPECT_EQ(all(TypeId::Datastore), std::vector{datastore});
    EXPECT_EQ(runtime_of(web).connectionState(), vim::VirtualMachineConnectionState::connected);
}

TEST_F(MirrorTest, RemovesWhatWentWhileTheCenterWasAway) {
    Host& host = add_host("a");
    picture(host, {kWeb, {"2", "db", "[shared] db/db.vmx"}});
    const MoRef host_ref = host.ref;
    const MoRef resource = host.compute_resource;
    reboot();
    EXPECT_EQ(machines().size(), 2u);
    picture(add_host("a", host_ref, resource), {kWeb});
    EXPECT_EQ(machines().size(), 2u);
    pass(std::chrono::seconds{6});
    EXPECT_EQ(machines().size(), 1u);
}

TEST_F(MirrorTest, FollowsAMoveWithoutLosingTheMachine) {
    Host& a = add_host("a");
    Host& b = add_host("b");
    picture(a, {{"1", "web", "[shared] web/web.vmx", Power::poweredOn}});
    picture(b, {});
    const MoRef web = machines().at(0);
    world->mirror.expect_move(web, a.ref, b.ref);
    leave(a, "1");
    ASSERT_EQ(machines(), std::vector{web});
    say(b, {machine_update({"77", "web", "[shared] elsewhere/web.vmx", Power::poweredOn})});
    ASSERT_EQ(machines(), std::vector{web});
    EXPECT_EQ(host_of(web), b.ref);
    EXPECT_FALSE(is_listed(a.ref, property::HostSystem::vm, web));
    EXPECT_TRUE(is_listed(b.ref, property::HostSystem::vm, web));
    EXPECT_TRUE(
        is_listed(world->tree.root_pool_of(b.compute_resource), property::ResourcePool::vm, web));
    world->mirror.end_move(web);
    pass(std::chrono::seconds{100});
    EXPECT_EQ(machines(), std::vector{web});
    leave(b, "77");
    EXPECT_TRUE(machines().empty());
}

TEST_F(MirrorTest, GivesUpAMoveThatNeverArrives) {
    Host& a = add_host("a");
    picture(a, {kWeb});
    const MoRef web = machines().at(0);
    world->mirror.expect_move(web, a.ref, {TypeId::HostSystem, "host-99"},
                              std::chrono::seconds{10});
    leave(a, "1");
    EXPECT_EQ(machines().size(), 1u);
    pass(std::chrono::seconds{11});
    EXPECT_TRUE(machines().empty());
}

TEST_F(MirrorTest, ShowsAMachineOnceThatTwoHostsHave) {
    Host& a = add_host("a");
    Host& b = add_host("b");
    picture(a, {kWeb});
    picture(b, {{"9", "web", "[shared] web/web.vmx"}});
    ASSERT_EQ(machines().size(), 1u);
    const MoRef web = machines().at(0);
    EXPECT_EQ(host_of(web), a.ref);
    say(b, {machine_update({"9", "web", "[shared] web/web.vmx", Power::poweredOn}, Kind::modify)});
    EXPECT_EQ(host_of(web), b.ref);
    EXPECT_EQ(runtime_of(web).powerState(), Power::poweredOn);
    leave(b, "9");
    ASSERT_EQ(machines(), std::vector{web});
    EXPECT_EQ(host_of(web), a.ref);
    EXPECT_EQ(runtime_of(web).powerState(), Power::poweredOff);
}

TEST_F(MirrorTest, TellsCopiesApartByTheirFiles) {
    Host& a = add_host("a");
    picture(a, {kWeb, {"2", "web", "[shared] copy/web.vmx"}});
    EXPECT_EQ(machines().size(), 2u);
}

TEST_F(MirrorTest, KeepsWhatAHostHadWhileItDoesNotAnswer) {
    Host& a = add_host("a");
    picture(a, {kWeb});
    const MoRef web = machines().at(0);
    const MoRef datastore = all(TypeId::Datastore).at(0);
    world->mirror.set_state(a, LinkState::not_responding);
    EXPECT_EQ(runtime_of(web).connectionState(), vim::VirtualMachineConnectionState::disconnected);
    EXPECT_FALSE(vim::DatastoreSummary(get(datastore, property::Datastore::summary)).accessible());
    picture(a, {});
    pass(std::chrono::seconds{6});
    EXPECT_TRUE(machines().empty());
    EXPECT_TRUE(vim::DatastoreSummary(get(datastore, property::Datastore::summary)).accessible());
}

TEST_F(MirrorTest, MergesDatastoresAndNetworks) {
    Host& a = add_host("a");
    Host& b = add_host("b");
    picture(a, {kWeb});
    picture(b, {});
    ASSERT_EQ(all(TypeId::Datastore).size(), 1u);
    ASSERT_EQ(all(TypeId::Network).size(), 1u);
    const MoRef datastore = all(TypeId::Datastore).at(0);
    EXPECT_EQ(get(datastore, property::Datastore::host).elements().size(), 2u);
    EXPECT_EQ(get(all(TypeId::Network).at(0), property::Network::host).elements().size(), 2u);
    world->mirror.remove_host(a);
    settle();
    EXPECT_TRUE(machines().empty());
    EXPECT_EQ(get(datastore, property::Datastore::host).elements().size(), 1u);
    world->mirror.remove_host(b);
    settle();
    EXPECT_TRUE(all(TypeId::Datastore).empty());
    EXPECT_TRUE(all(TypeId::Network).empty());
}

TEST_F(MirrorTest, PutsAnExpectedMachineWhereItBelongs) {
    Host& a = add_host("a");
    picture(a, {});
    const MoRef pool = world->tree.root_pool_of(a.compute_resource);
    const MoRef folder = world->tree.vm_folder_of(world->datacenter);
    Mirror::Expected expected;
    expected.host = a.ref;
    expected.uuid = "web";
    expected.folder = folder;
    expected.pool = pool;
    const auto key = world->mirror.expect_machine(expected);
    say(a, {machine_update(kWeb)});
    world->mirror.forget_expected(key);
    EXPECT_EQ(get(machines().at(0), property::ManagedEntity::parent), Value::moref(folder));
    const MoRef found = runtime.run(
        world->mirror.appearance(a, {TypeId::VirtualMachine, "1"}, std::chrono::seconds{1}));
    EXPECT_EQ(found, machines().at(0));
}

}  // namespace
}  // namespace drover::center
