// The rules of the PropertyCollector's reference that concern more than one call: versions,
// truncation, releases, tokens, long answers, many waiters.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/property_collector.hpp"
#include "model/test_world.hpp"
#include "model/views.hpp"

namespace drover::model {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using vim::VirtualMachinePowerState;

struct CollectorRules : ::testing::Test {
    explicit CollectorRules(CollectorLimits limits = {})
        : collectors(world.inventory, "propertyCollector", random, jobs.schedule(), limits) {}

    World world;
    Jobs jobs;
    base::SeededRandom random{7};
    PropertyCollectors collectors;
    std::shared_ptr<TestReader> reader = std::make_shared<TestReader>();
    MoRef own = collectors.well_known();
    std::string version;
    std::optional<WaitResult> result;

    vim::PropertyFilterSpec machines(const std::vector<std::string_view>& paths,
                                     bool all = false) const {
        return filter({properties("VirtualMachine", paths, all)},
                      {start(world.vm_folder, {traversal("", "Folder", "childEntity")}, true)});
    }
    MoRef follow(const vim::PropertyFilterSpec& spec) {
        return collectors.create_filter(reader, own, spec, false);
    }
    WaitHandle wait(std::int32_t max_objects = 0, const MoRef& collector = {}) {
        auto options = vim::WaitOptions::make();
        if (max_objects > 0) options.set_maxObjectUpdates(max_objects);
        result.reset();
        return collectors.wait_for_updates(reader, collector ? collector : own, version, options,
                                           [this](WaitResult got) { result = std::move(got); });
    }
    /// The objects of the answer; its version is the known one from now on.
    std::vector<std::string> ids() {
        std::vector<std::string> all;
        if (!result || !result->updates) return all;
        version = result->updates->version();
        for (const auto& update : result->updates->filterSet()) {
            for (const auto& object : update.objectSet()) all.push_back(object.obj().id);
        }
        return all;
    }
    std::string fault() const {
        return result && result->fault
                   ? std::string(vim::describe(result->fault->fault().dynamic_type()).name())
                   : "none";
    }
};

TEST_F(CollectorRules, OnlyTheExtendedWaitGoesOnFromATruncatedAnswer) {
    for (int i = 1; i <= 3; ++i) world.add_machine(i);
    follow(machines({"name"}));
    wait(2);
    jobs.run();
    EXPECT_THAT(ids(), ElementsAre("vm-1", "vm-2"));
    EXPECT_TRUE(result->updates->truncated().value_or(false));
    EXPECT_EQ(fault_of([&] { collectors.check_for_updates(reader, own, version); }),
              "InvalidCollectorVersion");
    EXPECT_EQ(fault_of([&] {
                  collectors.wait_for_updates(
                      reader, own, version, {}, [](const WaitResult&) {}, false);
              }),
              "InvalidCollectorVersion");
    wait(2);
    jobs.run();
    EXPECT_THAT(ids(), ElementsAre("vm-3"));
    EXPECT_FALSE(result->updates->truncated());
    EXPECT_FALSE(collectors.check_for_updates(reader, own, version));
}

TEST_F(CollectorRules, TheReleaseIsThatOfWhoWaits) {
    const MoRef vm = world.add_machine(1);
    world.set(vm, property::VirtualMachine::layoutEx,
              vim::VirtualMachineFileLayoutEx::make().raw());
    reader = std::make_shared<TestReader>("alice", *vim::find_release("2.5"));
    follow(machines({}, true));
    const auto names = [&] {
        std::set<std::string> all;
        const auto set = collectors.check_for_updates(reader, own, version);
        if (!set) return all;
        version = set->version();
        for (const auto& change : set->filterSet()[0].objectSet()[0].changeSet()) {
            if (change.val()) all.emplace(change.name());
        }
        return all;
    };
    EXPECT_FALSE(names().contains("layoutEx"));
    reader = std::make_shared<TestReader>("alice");
    EXPECT_TRUE(names().contains("layoutEx"));
    EXPECT_THAT(names(), IsEmpty());
    world.set(vm, property::VirtualMachine::layoutEx, {});
    reader = std::make_shared<TestReader>("alice", *vim::find_release("2.5"));
    EXPECT_FALSE(names().contains("layoutEx"));
}

TEST_F(CollectorRules, APathThatAnOlderReleaseDoesNotKnowIsLeftOutForIt) {
    const MoRef vm = world.add_machine(1);
    world.set(vm, property::VirtualMachine::layoutEx,
              vim::VirtualMachineFileLayoutEx::make().raw());
    follow(machines({"name", "layoutEx"}));
    const auto count = [&](const ReaderPtr& who) {
        const auto set = collectors.check_for_updates(who, own, "");
        return set->filterSet()[0].objectSet()[0].changeSet().size();
    };
    EXPECT_EQ(count(std::make_shared<TestReader>("alice", *vim::find_release("2.5"))), 1U);
    EXPECT_EQ(count(reader), 2U);
}

TEST_F(CollectorRules, InvalidPropertyNamesTheWholePath) {
    try {
        follow(machines({"config.hardware.nothing"}));
        FAIL();
    } catch (const vim::Fault& thrown) {
        EXPECT_EQ(thrown.fault().as<vim::InvalidProperty>().name(), "config.hardware.nothing");
    }
}

TEST_F(CollectorRules, NumbersMustBePositive) {
    auto options = vim::WaitOptions::make();
    for (const int wrong : {0, -1}) {
        options.set_maxObjectUpdates(wrong);
        EXPECT_EQ(fault_of([&] {
                      collectors.wait_for_updates(reader, own, "", options,
                                                  [](const WaitResult&) {});
                  }),
                  "InvalidArgument");
    }
}

TEST_F(CollectorRules, TokensAreOfOneCollectorOneSessionAndOneUse) {
    for (int i = 1; i <= 5; ++i) world.add_machine(i);
    auto options = vim::RetrieveOptions::make();
    options.set_maxObjects(2);
    const auto begin = [&] {
        const auto page =
            result_of(collectors.begin_retrieval(reader, own, {machines({"name"})}, options));
        return std::string(page.token().value_or(""));
    };
    const auto refused = [&](const ReaderPtr& who, const MoRef& collector,
                             const std::string& token) {
        return fault_of([&] { collectors.continue_retrieval(who, collector, token); });
    };
    const std::string token = begin();
    EXPECT_EQ(refused(std::make_shared<TestReader>("bob"), own, token), "InvalidArgument");
    EXPECT_EQ(refused(reader, collectors.create_property_collector(*reader), token),
              "InvalidArgument");
    const auto page = result_of(collectors.continue_retrieval(reader, own, token));
    EXPECT_EQ(page.objects().size(), 2U);
    EXPECT_EQ(refused(reader, own, token), "InvalidArgument");
    const std::string third(*page.token());
    collectors.cancel_retrieve_properties_ex(*reader, own, third);
    EXPECT_EQ(refused(reader, own, third), "InvalidArgument");
    EXPECT_EQ(fault_of([&] { collectors.cancel_retrieve_properties_ex(*reader, own, third); }),
              "InvalidArgument");
    const std::string oldest = begin();
    for (int i = 0; i < 16; ++i) begin();
    EXPECT_EQ(refused(reader, own, oldest), "InvalidArgument");
    collectors.end_session("alice");
    EXPECT_EQ(refused(reader, own, begin() + "x"), "InvalidArgument");
}

TEST_F(CollectorRules, ADestroyedFilterSaysNothingMore) {
    world.add_machine(1);
    const MoRef made = follow(machines({"name"}));
    follow(filter({properties("HostSystem", {"name"})}, {start(world.host)}));
    wait();
    jobs.run();
    ids();
    wait();
    jobs.run();
    world.add_machine(2);
    collectors.destroy_filter(*reader, made);
    jobs.run();
    EXPECT_FALSE(result);
    world.set(world.host, property::ManagedEntity::name, Value::string("new"));
    jobs.run();
    EXPECT_THAT(ids(), ElementsAre("host-8"));
}

TEST_F(CollectorRules, AThousandWaitersCostNothingUntilSomethingHappens) {
    const MoRef vm = world.add_machine(1);
    int answers = 0;
    for (int i = 0; i < 1'000; ++i) {
        const auto who = std::make_shared<TestReader>(fmt::format("session{}", i));
        collectors.create_filter(
            who, own, filter({properties("VirtualMachine", {"name"})}, {start(vm)}), false);
        const auto set = collectors.check_for_updates(who, own, "");
        collectors.wait_for_updates(who, own, set->version(), {}, [&](const WaitResult& got) {
            if (got.updates) ++answers;
        });
    }
    jobs.run();
    world.power(vm, VirtualMachinePowerState::poweredOn);
    world.add_machine(2);
    EXPECT_EQ(jobs.waiting(), 0U);
    EXPECT_EQ(answers, 0);
    world.set(vm, property::ManagedEntity::name, Value::string("new"));
    jobs.run();
    EXPECT_EQ(answers, 1'000);
}

TEST_F(CollectorRules, AnOverlappingSpecGivesAnObjectOnceForEachSpec) {
    const MoRef vm = world.add_machine(1);
    const auto twice = filter({properties("VirtualMachine", {"name"})}, {start(vm), start(vm)});
    EXPECT_EQ(retrieve(collectors, reader, {twice}).size(), 1U);
    EXPECT_EQ(retrieve(collectors, reader, {twice, twice}).size(), 2U);
}

TEST_F(CollectorRules, NobodyElsesCollectorCanBeUsed) {
    const MoRef made = collectors.create_property_collector(*reader);
    const auto bob = std::make_shared<TestReader>("bob");
    const auto spec = machines({"name"});
    EXPECT_EQ(fault_of([&] { collectors.create_filter(bob, made, spec, false); }),
              "ManagedObjectNotFound");
    EXPECT_EQ(fault_of([&] { collectors.destroy_property_collector(*bob, made); }),
              "ManagedObjectNotFound");
    EXPECT_EQ(fault_of([&] { collectors.cancel_wait_for_updates(*bob, made); }),
              "ManagedObjectNotFound");
    EXPECT_EQ(
        fault_of([&] { collectors.wait_for_updates(bob, made, "", {}, [](const WaitResult&) {}); }),
        "ManagedObjectNotFound");
}

// An answer about many objects is made in several jobs; others run between them.
struct LongAnswers : CollectorRules {
    LongAnswers() : CollectorRules(small_jobs()) {}
    static CollectorLimits small_jobs() {
        CollectorLimits limits;
        limits.objects_per_job = 3;
        return limits;
    }
};

TEST_F(LongAnswers, AreMadeInPieces) {
    for (int i = 1; i <= 10; ++i) world.add_machine(i);
    follow(machines({"name"}));
    wait();
    int turns = 0;
    for (; !result; ++turns) jobs.run_one();
    EXPECT_GT(turns, 3);
    EXPECT_EQ(ids().size(), 10U);
}

TEST_F(LongAnswers, ChangesMeanwhileAreForTheNextOne) {
    const MoRef vm = world.add_machine(1);
    for (int i = 2; i <= 10; ++i) world.add_machine(i);
    follow(machines({"name"}));
    wait();
    jobs.run_one();
    world.set(vm, property::ManagedEntity::name, Value::string("new"));
    world.remove_machine({TypeId::VirtualMachine, "vm-10"});
    jobs.run();
    EXPECT_EQ(ids().size(), 9U);
    wait();
    jobs.run();
    EXPECT_THAT(ids(), ElementsAre("vm-1"));
}

TEST_F(LongAnswers, SurviveTheirWait) {
    for (int i = 1; i <= 10; ++i) world.add_machine(i);
    const MoRef made = follow(machines({"name"}));
    world.set(world.host, property::ManagedEntity::name, Value::string("a"));
    wait();
    jobs.run();
    ASSERT_EQ(ids().size(), 10U);
    for (int i = 1; i <= 10; ++i) {
        world.set({TypeId::VirtualMachine, fmt::format("vm-{}", i)}, property::ManagedEntity::name,
                  Value::string("new"));
    }
    auto handle = wait();
    jobs.run_one();
    handle.drop();
    jobs.run();
    EXPECT_FALSE(result);
    wait();
    jobs.run_one();
    collectors.cancel_wait_for_updates(*reader, own);
    jobs.run();
    EXPECT_EQ(fault(), "RequestCanceled");
    wait();
    jobs.run();
    EXPECT_EQ(ids().size(), 10U);
    // A filter that goes while its answer is made takes its part along.
    for (int i = 1; i <= 10; ++i)
        world.remove_machine({TypeId::VirtualMachine, fmt::format("vm-{}", i)});
    for (int i = 21; i <= 30; ++i) world.add_machine(i);
    wait();
    jobs.run_one();
    collectors.destroy_filter(*reader, made);
    jobs.run();
    EXPECT_FALSE(result);
}

}  // namespace
}  // namespace drover::model
