#include "model/property_collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"
#include "model/views.hpp"

namespace drover::model {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using vim::VirtualMachinePowerState;

struct Collectors : ::testing::Test {
    World world;
    Jobs jobs;
    base::SeededRandom random{7};
    PropertyCollectors collectors{world.inventory, "propertyCollector", random, jobs.schedule()};
    std::shared_ptr<TestReader> reader = std::make_shared<TestReader>();
    MoRef own = collectors.well_known();

    vim::PropertyFilterSpec machines(const std::vector<std::string_view>& paths) const {
        return filter({properties("VirtualMachine", paths)},
                      {start(world.vm_folder, {traversal("", "Folder", "childEntity")}, true)});
    }
    MoRef follow(const vim::PropertyFilterSpec& spec, bool partial = false) {
        return collectors.create_filter(reader, own, spec, partial);
    }
    /// The updates as "kind id [op path=value]..." lines; the version goes to `version`.
    std::vector<std::string> check() {
        return lines(collectors.check_for_updates(reader, own, version));
    }
    std::vector<std::string> lines(const std::optional<vim::UpdateSet>& set) {
        std::vector<std::string> all;
        if (!set) return all;
        version = set->version();
        for (const auto& update : set->filterSet()) {
            for (const auto& object : update.objectSet()) all.push_back(line(object));
            for (const auto& missing : update.missingSet()) {
                all.push_back(fmt::format("missing {}", missing.obj().id));
            }
        }
        return all;
    }
    static std::string line(const vim::ObjectUpdate& object) {
        std::string text = fmt::format("{} {}", vim::to_string(object.kind()), object.obj().id);
        for (const auto& change : object.changeSet()) {
            text += fmt::format(" [{} {}", vim::to_string(change.op()), change.name());
            const Value value = change.val();
            if (value.kind() == vim::ValueKind::string ||
                value.kind() == vim::ValueKind::enumeration) {
                text += fmt::format("={}", value.as_string());
            }
            text += "]";
        }
        for (const auto& missing : object.missingSet()) text += fmt::format(" !{}", missing.path());
        return text;
    }
    WaitHandle wait(std::int32_t max_objects = 0, std::optional<std::int32_t> seconds = {}) {
        auto options = vim::WaitOptions::make();
        if (max_objects > 0) options.set_maxObjectUpdates(max_objects);
        if (seconds) options.set_maxWaitSeconds(*seconds);
        answered = false;
        return collectors.wait_for_updates(reader, own, version, options, [this](WaitResult got) {
            answered = true;
            result = std::move(got);
        });
    }
    std::string wait_fault() const {
        return result.fault
                   ? std::string(vim::describe(result.fault->fault().dynamic_type()).name())
                   : "none";
    }

    std::string version;
    bool answered = false;
    WaitResult result;
};

TEST_F(Collectors, RetrievesWhatIsSetAndNamesWhatIsForbidden) {
    world.add_machine(1);
    world.add_machine(2);
    reader->unreadable = {"vm-2"};
    const auto contents =
        retrieve(collectors, reader, {machines({"name", "guest", "config.uuid"})});
    ASSERT_EQ(contents.size(), 2U);
    ASSERT_EQ(contents[0].propSet().size(), 2U);
    EXPECT_EQ(contents[0].propSet()[0].name(), "name");
    EXPECT_TRUE(contents[1].propSet().empty());
    ASSERT_EQ(contents[1].missingSet().size(), 3U);
    EXPECT_TRUE(contents[1].missingSet()[0].fault().fault().is<vim::NoPermission>());
}

TEST_F(Collectors, AnEmptyPathSetGivesBareObjects) {
    world.add_machine(1);
    const auto contents = retrieve(collectors, reader, {machines({})});
    ASSERT_EQ(contents.size(), 1U);
    EXPECT_TRUE(contents[0].propSet().empty());
}

TEST_F(Collectors, AnUnknownStartingObjectIsAFaultUnlessItIsToBeReported) {
    const MoRef gone{TypeId::VirtualMachine, "vm-99"};
    auto spec = filter({properties("VirtualMachine", {"name"})}, {start(gone)});
    EXPECT_EQ(fault_of([&] { retrieve(collectors, reader, {spec}); }), "ManagedObjectNotFound");
    EXPECT_EQ(fault_of([&] { follow(spec); }), "ManagedObjectNotFound");
    spec.set_reportMissingObjectsInResults(true);
    EXPECT_THAT(retrieve(collectors, reader, {spec}), IsEmpty());
    follow(spec);
    EXPECT_THAT(check(), ElementsAre("missing vm-99"));
    world.add_machine(99);
    EXPECT_THAT(check(), ElementsAre("enter vm-99 [assign name=machine99]"));
}

TEST_F(Collectors, GivesPagesByToken) {
    for (int i = 1; i <= 5; ++i) world.add_machine(i);
    auto options = vim::RetrieveOptions::make();
    options.set_maxObjects(2);
    auto page = result_of(collectors.begin_retrieval(reader, own, {machines({"name"})}, options));
    EXPECT_EQ(page.objects().size(), 2U);
    world.remove_machine({TypeId::VirtualMachine, "vm-3"});
    const std::string token(*page.token());
    page = result_of(collectors.continue_retrieval(reader, own, token));
    ASSERT_EQ(page.objects().size(), 2U);
    EXPECT_EQ(page.objects()[1].obj().id, "vm-5");
    EXPECT_FALSE(page.token());
    EXPECT_EQ(fault_of([&] { collectors.continue_retrieval(reader, own, token); }),
              "InvalidArgument");
    options.set_maxObjects(0);
    EXPECT_EQ(fault_of([&] { collectors.begin_retrieval(reader, own, {machines({})}, options); }),
              "InvalidArgument");
}

TEST_F(Collectors, FollowsEnterModifyLeave) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"name", "runtime.powerState"}));
    EXPECT_THAT(check(), ElementsAre("enter vm-1 [assign name=machine1] "
                                     "[assign runtime.powerState=poweredOff]"));
    EXPECT_THAT(check(), IsEmpty());
    world.power(vm, VirtualMachinePowerState::poweredOn);
    EXPECT_THAT(check(), ElementsAre("modify vm-1 [assign runtime.powerState=poweredOn]"));
    world.add_machine(2);
    world.remove_machine(vm);
    EXPECT_THAT(check(), ElementsAre("leave vm-1",
                                     "enter vm-2 [assign name=machine2] [assign "
                                     "runtime.powerState=poweredOff]"));
}

TEST_F(Collectors, ManyChangesAreOneAndAReversedOneIsNone) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"name", "runtime.powerState"}));
    check();
    world.set(vm, property::ManagedEntity::name, Value::string("a"));
    world.set(vm, property::ManagedEntity::name, Value::string("b"));
    world.power(vm, VirtualMachinePowerState::poweredOn);
    world.power(vm, VirtualMachinePowerState::poweredOff);
    EXPECT_THAT(check(), ElementsAre("modify vm-1 [assign name=b]"));
}

TEST_F(Collectors, AnIdThatComesBackLeavesAndEnters) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"name"}));
    check();
    Transaction tx(world.inventory);
    tx.destroy(vm);
    World::add(tx, TypeId::VirtualMachine, "vm-1", "other", world.vm_folder);
    tx.commit();  // the folder's list is what it was
    EXPECT_THAT(check(), ElementsAre("leave vm-1", "enter vm-1 [assign name=other]"));
}

TEST_F(Collectors, ADestroyedStartingObjectIsReported) {
    const MoRef vm = world.add_machine(1);
    follow(filter({properties("VirtualMachine", {"name"})}, {start(vm)}));
    check();
    world.remove_machine(vm);
    EXPECT_THAT(check(), ElementsAre("leave vm-1", "missing vm-1"));
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(Collectors, UnsettingSaysHow) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"config.hardware.numCPU", "config.hardware.device[2000]", "guest"}));
    check();
    vim::VirtualMachineConfigInfo config(World::make_config(1));
    auto hardware = config.hardware();
    hardware.set_device({World::make_disk(2001, 2048)});
    config.set_hardware(hardware);
    world.set(vm, property::VirtualMachine::config, config.raw());
    EXPECT_THAT(check(), ElementsAre("modify vm-1 [remove config.hardware.device[2000]]"));
    world.set(vm, property::VirtualMachine::guest, vim::GuestInfo::make().raw());
    world.set(vm, property::VirtualMachine::config, {});
    EXPECT_THAT(check(),
                ElementsAre("modify vm-1 [indirectRemove config.hardware.numCPU] [assign guest]"));
}

TEST_F(Collectors, PartialUpdatesTellTheNestedChange) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"config"}), true);
    check();
    vim::VirtualMachineConfigInfo config(World::make_config(1));
    auto hardware = config.hardware();
    hardware.set_device({World::make_disk(2001, 4096), World::make_disk(2002, 1)});
    config.set_hardware(hardware);
    world.set(vm, property::VirtualMachine::config, config.raw());
    EXPECT_THAT(check(), ElementsAre("modify vm-1 [remove config.hardware.device[2000]] [assign "
                                     "config.hardware.device[2001].capacityInKB] [add "
                                     "config.hardware.device[2002]]"));
}

TEST_F(Collectors, VersionsCanBeRepeatedOnceAndAreCheckedOtherwise) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"name"}));
    check();
    const std::string first = version;
    world.set(vm, property::ManagedEntity::name, Value::string("two"));
    const auto answer = check();
    const std::string second = version;
    world.set(vm, property::ManagedEntity::name, Value::string("three"));
    version = first;  // the answer got lost
    EXPECT_EQ(check(), answer);
    EXPECT_EQ(version, second);
    EXPECT_THAT(check(), ElementsAre("modify vm-1 [assign name=three]"));
    for (const auto* wrong : {"1", "99", "x", "-1", "03"}) {
        version = wrong;
        EXPECT_EQ(fault_of([&] { check(); }), "InvalidCollectorVersion") << wrong;
    }
    version = "";
    EXPECT_THAT(check(), ElementsAre("enter vm-1 [assign name=three]"));
}

TEST_F(Collectors, TruncatesAnswers) {
    for (int i = 1; i <= 5; ++i) world.add_machine(i);
    follow(machines({"name"}));
    std::vector<std::string> all;
    std::vector<bool> truncated;
    for (int i = 0; i < 3; ++i) {
        wait(2);
        jobs.run();
        ASSERT_TRUE(result.updates);
        truncated.push_back(result.updates->truncated().value_or(false));
        for (const auto& each : lines(result.updates)) all.push_back(each);
    }
    EXPECT_THAT(truncated, ElementsAre(true, true, false));
    EXPECT_EQ(all.size(), 5U);
    wait(2);
    jobs.run();
    EXPECT_FALSE(answered);
}

TEST_F(Collectors, WaitsUntilSomethingHappensAndAnswersOnceForABatch) {
    const MoRef vm = world.add_machine(1);
    follow(machines({"name", "runtime.powerState"}));
    check();
    wait();
    jobs.run();
    EXPECT_FALSE(answered);
    world.power(vm, VirtualMachinePowerState::poweredOn);
    world.set(vm, property::ManagedEntity::name, Value::string("new"));
    EXPECT_EQ(jobs.waiting(), 1U);
    EXPECT_FALSE(answered);
    jobs.run();
    ASSERT_TRUE(answered);
    EXPECT_THAT(lines(result.updates),
                ElementsAre("modify vm-1 [assign name=new] [assign runtime.powerState=poweredOn]"));
}

TEST_F(Collectors, AWaitEndsByTimeDropCancelOrALaterOne) {
    world.add_machine(1);
    follow(machines({"name"}));
    check();
    auto handle = wait();
    handle.expire();
    jobs.run();
    EXPECT_TRUE(answered && !result.updates && !result.fault);
    EXPECT_FALSE(handle.outstanding());

    wait(0, 0);
    jobs.run();
    EXPECT_TRUE(answered && !result.updates);

    handle = wait();
    handle.drop();
    world.add_machine(2);
    jobs.run();
    EXPECT_FALSE(answered);
    check();

    wait();
    collectors.cancel_wait_for_updates(*reader, own);
    EXPECT_FALSE(answered);
    jobs.run();
    EXPECT_EQ(wait_fault(), "RequestCanceled");

    WaitResult first;
    collectors.wait_for_updates(reader, own, version, {}, [&](WaitResult got) { first = got; });
    wait();
    jobs.run();
    EXPECT_TRUE(first.fault);
    EXPECT_FALSE(answered);
    EXPECT_EQ(fault_of([&] { wait(0, -1); }), "InvalidArgument");
}

TEST_F(Collectors, AWaitSeesFiltersThatAreMadeLater) {
    world.add_machine(1);
    wait();
    jobs.run();
    EXPECT_FALSE(answered);
    follow(machines({"name"}));
    jobs.run();
    EXPECT_TRUE(answered);
}

TEST_F(Collectors, FiltersAreObjectsOfTheirSession) {
    world.add_machine(1);
    const MoRef made = follow(machines({"name"}), true);
    const TestReader other("bob");
    EXPECT_EQ(fetch(world.inventory, *reader, own, "filter").elements().size(), 1U);
    EXPECT_FALSE(fetch(world.inventory, other, own, "filter"));
    EXPECT_TRUE(fetch(world.inventory, *reader, made, "partialUpdates").as_boolean());
    EXPECT_EQ(fault_of([&] { fetch(world.inventory, other, made, "spec"); }),
              "ManagedObjectNotFound");
    EXPECT_EQ(fault_of([&] { collectors.destroy_filter(other, made); }), "ManagedObjectNotFound");
    collectors.destroy_filter(*reader, made);
    EXPECT_EQ(fault_of([&] { collectors.destroy_filter(*reader, made); }), "ManagedObjectNotFound");
    EXPECT_EQ(world.inventory.find(made), nullptr);
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(Collectors, OwnCollectorsComeAndGo) {
    world.add_machine(1);
    own = collectors.create_property_collector(*reader);
    follow(machines({"name"}));
    EXPECT_EQ(check().size(), 1U);
    wait();
    EXPECT_EQ(fault_of([&] {
                  collectors.check_for_updates(std::make_shared<TestReader>("bob"), own, "");
              }),
              "ManagedObjectNotFound");
    collectors.destroy_property_collector(*reader, own);
    jobs.run();
    EXPECT_EQ(wait_fault(), "ManagedObjectNotFound");
    EXPECT_EQ(fault_of([&] { check(); }), "ManagedObjectNotFound");
}

TEST_F(Collectors, TheEndOfASessionEndsAll) {
    world.add_machine(1);
    const auto before = world.inventory.size();
    follow(machines({"name"}));
    own = collectors.create_property_collector(*reader);
    follow(machines({"name"}));
    check();
    wait();
    collectors.end_session("alice");
    jobs.run();
    EXPECT_EQ(wait_fault(), "NotAuthenticated");
    EXPECT_EQ(world.inventory.size(), before);
    world.add_machine(2);  // nobody is told, and nothing breaks
}

TEST_F(Collectors, LimitsNameThemselves) {
    CollectorLimits limits;
    limits.filters_per_session = 2;
    limits.collectors_per_session = 1;
    PropertyCollectors few(world.inventory, "few", random, jobs.schedule(), limits);
    const auto add = [&] { few.create_filter(reader, few.well_known(), machines({}), false); };
    add();
    add();
    EXPECT_EQ(fault_of(add), "InvalidRequest");
    few.create_property_collector(*reader);
    EXPECT_EQ(fault_of([&] { few.create_property_collector(*reader); }), "InvalidRequest");
    EXPECT_EQ(fault_of([&] { few.create_property_collector(TestReader("")); }), "NotAuthenticated");
}

TEST_F(Collectors, ChangedPermissionsShow) {
    world.add_machine(1);
    world.add_machine(2);
    follow(machines({"name"}));
    check();
    reader->hidden = {"vm-1"};
    reader->unreadable = {"vm-2"};
    collectors.permissions_changed();
    EXPECT_THAT(check(), ::testing::UnorderedElementsAre(
                             "leave vm-1", "modify vm-2 [indirectRemove name] !name"));
    reader->hidden.clear();
    collectors.permissions_changed();
    EXPECT_THAT(check(), ::testing::Contains("enter vm-1 [assign name=machine1]"));
}

TEST_F(Collectors, FollowsAContainerView) {
    Views views(world.inventory, "ViewManager", world.root, random);
    world.add_machine(1);
    const MoRef view = views.create_container_view(*reader, world.root, {"VirtualMachine"}, true);
    follow(filter({properties("VirtualMachine", {"name"})},
                  {start(view, {traversal("", "ContainerView", "view")}, true)}));
    EXPECT_THAT(check(), ElementsAre("enter vm-1 [assign name=machine1]"));
    const MoRef second = world.add_machine(2);
    EXPECT_THAT(check(), ElementsAre("enter vm-2 [assign name=machine2]"));
    world.remove_machine(second);
    EXPECT_THAT(check(), ElementsAre("leave vm-2"));
    views.destroy_view(*reader, view);
    EXPECT_THAT(check(), ElementsAre("leave vm-1", fmt::format("missing {}", view.id)));
}

TEST_F(Collectors, FetchChecksWhatItReads) {
    const MoRef vm = world.add_machine(1);
    EXPECT_EQ(fetch(world.inventory, *reader, vm, "config.uuid").as_string().size(), 36U);
    EXPECT_FALSE(fetch(world.inventory, *reader, vm, "guest"));
    EXPECT_EQ(fault_of([&] { fetch(world.inventory, *reader, vm, "nothing"); }), "InvalidProperty");
    reader->unreadable = {"vm-1"};
    EXPECT_EQ(fault_of([&] { fetch(world.inventory, *reader, vm, "name"); }), "NoPermission");
}

}  // namespace
}  // namespace drover::model
