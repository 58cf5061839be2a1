#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "center/tree/cluster_config.hpp"
#include "center/tree/data.hpp"
#include "center/tree/test_center.hpp"
#include "vim/machines_types.hpp"

namespace drover::center {
namespace {

using task::fault_name;
using testing::ElementsAre;
using vim::ArrayUpdateOperation;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

std::string new_uuid() {
    return "uuid";
}

vim::ClusterConfigInfoEx apply(const vim::ClusterConfigInfoEx& config,
                               const vim::ClusterConfigSpecEx& spec, bool modify = true) {
    return apply_cluster_spec(config, spec, modify, new_uuid);
}

TEST(ClusterConfig, WhatIsLeftOpenStays) {
    auto drs = vim::ClusterDrsConfigInfo::make();
    drs.set_enabled(true);
    drs.set_vmotionRate(5);
    auto spec = vim::ClusterConfigSpecEx::make();
    spec.set_drsConfig(drs);
    const auto config = apply(default_cluster_config(), spec);
    EXPECT_TRUE(*config.drsConfig().enabled());
    EXPECT_EQ(*config.drsConfig().vmotionRate(), 5);
    EXPECT_EQ(*config.drsConfig().defaultVmBehavior(), vim::DrsBehavior::fullyAutomated);
    auto das = vim::ClusterDasConfigInfo::make();
    das.set_enabled(true);
    auto second = vim::ClusterConfigSpecEx::make();
    second.set_dasConfig(das);
    EXPECT_TRUE(*apply(config, second).drsConfig().enabled());
    EXPECT_FALSE(*apply(config, second, false).drsConfig().enabled());
    EXPECT_TRUE(*plain_config(apply(config, second)).dasConfig().enabled());
}

TEST(ClusterConfig, TheFailoverLevelAndItsPolicyAgree) {
    auto das = vim::ClusterDasConfigInfo::make();
    das.set_failoverLevel(3);
    auto spec = vim::ClusterConfigSpecEx::make();
    spec.set_dasConfig(das);
    const auto config = apply(default_cluster_config(), spec);
    EXPECT_EQ(config.dasConfig()
                  .raw()
                  .property("admissionControlPolicy")
                  .property("failoverLevel")
                  .as_integer(),
              3);
}

vim::ClusterRuleSpec rule(ArrayUpdateOperation operation, const std::string& name,
                          std::vector<MoRef> machines) {
    auto info = vim::ClusterAntiAffinityRuleSpec::make();
    info.set_name(name);
    info.set_vm(machines);
    auto spec = vim::ClusterRuleSpec::make();
    spec.set_operation(operation);
    spec.set_info(info);
    return spec;
}

TEST(ClusterConfig, RulesAreAddedChangedAndRemoved) {
    const MoRef a{TypeId::VirtualMachine, "vm-1"};
    const MoRef b{TypeId::VirtualMachine, "vm-2"};
    auto spec = vim::ClusterConfigSpecEx::make();
    spec.set_rulesSpec({rule(ArrayUpdateOperation::add, "apart", {a, b})});
    const auto one = apply(default_cluster_config(), spec);
    ASSERT_EQ(one.rule().size(), 1u);
    EXPECT_EQ(*one.rule()[0].key(), 1);
    EXPECT_TRUE(*one.rule()[0].enabled());
    EXPECT_EQ(fault_name([&] { apply(one, spec); }), "DuplicateName");

    auto few = vim::ClusterConfigSpecEx::make();
    few.set_rulesSpec({rule(ArrayUpdateOperation::add, "alone", {a})});
    EXPECT_EQ(fault_name([&] { apply(one, few); }), "InvalidArgument");

    auto removal = vim::ClusterRuleSpec::make();
    removal.set_operation(ArrayUpdateOperation::remove);
    removal.set_removeKey(Value::int_(1));
    auto last = vim::ClusterConfigSpecEx::make();
    last.set_rulesSpec({removal});
    EXPECT_TRUE(apply(one, last).rule().empty());
    EXPECT_EQ(fault_name([&] { apply(default_cluster_config(), last); }), "InvalidArgument");

    const auto gone = [&a](const MoRef& ref) { return ref == a; };
    EXPECT_EQ(without(one, gone).rule()[0].as<vim::ClusterAntiAffinityRuleSpec>().vm().size(), 1u);
    const auto none = [](const MoRef&) { return false; };
    EXPECT_TRUE(without(one, none).raw().same_content(one.raw()));
}

TEST(ClusterConfig, GroupsHoldWhatTheyAreFor) {
    const auto spec_of = [](const vim::ClusterGroupInfo& group) {
        auto change = vim::ClusterGroupSpec::make();
        change.set_operation(ArrayUpdateOperation::add);
        change.set_info(group);
        auto spec = vim::ClusterConfigSpecEx::make();
        spec.set_groupSpec({change});
        return spec;
    };
    auto machines = vim::ClusterVmGroup::make();
    machines.set_name("machines");
    machines.set_vm({MoRef{TypeId::VirtualMachine, "vm-1"}});
    EXPECT_EQ(apply(default_cluster_config(), spec_of(machines)).group().size(), 1u);
    machines.set_vm({MoRef{TypeId::HostSystem, "host-1"}});
    EXPECT_EQ(fault_name([&] { apply(default_cluster_config(), spec_of(machines)); }),
              "InvalidArgument");
    auto hosts = vim::ClusterHostGroup::make();
    hosts.set_name("hosts");
    hosts.set_host({MoRef{TypeId::VirtualMachine, "vm-1"}});
    EXPECT_EQ(fault_name([&] { apply(default_cluster_config(), spec_of(hosts)); }),
              "InvalidArgument");
}

TEST(ClusterConfig, ImpossibleSettingsAreRefused) {
    auto das = vim::ClusterDasConfigInfo::make();
    das.set_hostMonitoring("sometimes");
    auto spec = vim::ClusterConfigSpecEx::make();
    spec.set_dasConfig(das);
    EXPECT_EQ(fault_name([&] { apply(default_cluster_config(), spec); }), "InvalidArgument");
    auto drs = vim::ClusterDrsConfigInfo::make();
    drs.set_vmotionRate(6);
    auto second = vim::ClusterConfigSpecEx::make();
    second.set_drsConfig(drs);
    EXPECT_EQ(fault_name([&] { apply(default_cluster_config(), second); }), "InvalidArgument");
}

class ClusterTest : public testing::Test, public TestCenter {
protected:
    MoRef datacenter = create_datacenter("dc");
    MoRef cluster = create_cluster(world->tree.host_folder_of(datacenter), "c");
    MoRef root = world->tree.root_pool_of(cluster);

    static vim::ResourceAllocationInfo allocation(std::int64_t reservation) {
        auto made = vim::ResourceAllocationInfo::make();
        made.set_reservation(reservation);
        made.set_expandableReservation(true);
        made.set_limit(-1);
        auto shares = vim::SharesInfo::make();
        shares.set_level(vim::SharesLevel::normal);
        made.set_shares(shares);
        return made;
    }
    MoRef create_pool(const MoRef& parent, const std::string& name, std::int64_t mhz = 0) {
        auto spec = vim::ResourceConfigSpec::make();
        spec.set_cpuAllocation(allocation(mhz));
        spec.set_memoryAllocation(allocation(0));
        auto request = vim::CreateResourcePoolRequest::make();
        request.set_name(name);
        request.set_spec(spec);
        return call(parent, "CreateResourcePool", request).as_moref();
    }
    // A host of 4 cores of 2000 MHz and 8 GB.
    MoRef add_host(const std::string& id) {
        const MoRef host{TypeId::HostSystem, id};
        auto hardware = vim::HostHardwareSummary::make();
        hardware.set_cpuMhz(2000);
        hardware.set_numCpuCores(4);
        hardware.set_numCpuThreads(8);
        hardware.set_memorySize(8LL << 30);
        auto summary = vim::HostListSummary::make();
        summary.set_hardware(hardware);
        model::Transaction transaction(world->inventory);
        transaction.create(host.type, host.id);
        Tree::set_entity_basics(transaction, host, id, {});
        transaction.set(host, vim::property::HostSystem::summary, summary.raw());
        transaction.set(host, vim::property::HostSystem::runtime,
                        host_runtime(vim::HostSystemConnectionState::connected));
        world->tree.attach_host(transaction, cluster, host);
        transaction.commit();
        run(runtime.sleep(std::chrono::milliseconds(200)));
        return host;
    }
    static Value host_runtime(vim::HostSystemConnectionState state) {
        auto runtime_info = vim::HostRuntimeInfo::make();
        runtime_info.set_connectionState(state);
        runtime_info.set_inMaintenanceMode(false);
        return runtime_info.raw();
    }
};

TEST_F(ClusterTest, SummariesFollowTheHosts) {
    const MoRef host = add_host("host-1");
    add_host("host-2");
    EXPECT_EQ(property(cluster, "summary").property("totalCpu").as_integer(), 16'000);
    EXPECT_EQ(property(cluster, "summary").property("numHosts").as_integer(), 2);
    EXPECT_EQ(property(root, "runtime").property("cpu").property("maxUsage").as_integer(), 16'000);
    model::Transaction transaction(world->inventory);
    transaction.set(host, vim::property::HostSystem::runtime,
                    host_runtime(vim::HostSystemConnectionState::notResponding));
    transaction.commit();
    run(runtime.sleep(std::chrono::milliseconds(200)));
    EXPECT_EQ(property(cluster, "summary").property("effectiveCpu").as_integer(), 8'000);
    EXPECT_EQ(property(cluster, "summary").property("numEffectiveHosts").as_integer(), 1);
    EXPECT_EQ(property(cluster, "summaryEx").property("numHosts").as_integer(), 2);
}

TEST_F(ClusterTest, PoolsReserveWhatIsThere) {
    EXPECT_EQ(fault_name([&] { create_pool(root, "much", 1'000); }),
              "InsufficientCpuResourcesFault");
    add_host("host-1");
    const MoRef pool = create_pool(root, "much", 6'000);
    EXPECT_EQ(fault_name([&] { create_pool(root, "more", 3'000); }),
              "InsufficientCpuResourcesFault");
    const MoRef inner = create_pool(pool, "inner", 6'000);
    EXPECT_EQ(fault_name([&] { create_pool(pool, "inner"); }), "DuplicateName");
    EXPECT_THAT(references(pool, "resourcePool"), ElementsAre(inner.id));
    EXPECT_EQ(property(pool, "childConfiguration").elements().size(), 1u);
    EXPECT_EQ(property(inner, "owner").moref_id(), cluster.id);
    restart();
    EXPECT_THAT(references(pool, "resourcePool"), ElementsAre(inner.id));
}

TEST_F(ClusterTest, PoolsMoveAndDissolve) {
    const MoRef a = create_pool(root, "a");
    const MoRef b = create_pool(root, "b");
    const MoRef inner = create_pool(a, "inner");
    const auto move_pool = [&](const MoRef& to, const MoRef& pool) {
        auto request = vim::MoveIntoResourcePoolRequest::make();
        request.set_list({pool});
        call(to, "MoveIntoResourcePool", request);
    };
    move_pool(b, a);
    EXPECT_THAT(references(b, "resourcePool"), ElementsAre(a.id));
    EXPECT_EQ(fault_name([&] { move_pool(inner, b); }), "InvalidArgument");
    run_task(a, "Destroy_Task");
    EXPECT_THAT(references(b, "resourcePool"), ElementsAre(inner.id));
    EXPECT_EQ(property(inner, "parent").moref_id(), b.id);
    create_pool(inner, "deep");
    call(root, "DestroyChildren");
    EXPECT_TRUE(references(root, "resourcePool").empty());
    restart();
    EXPECT_TRUE(references(root, "resourcePool").empty());
}

TEST_F(ClusterTest, ConfigurationsSurviveARestart) {
    auto drs = vim::ClusterDrsConfigInfo::make();
    drs.set_enabled(true);
    drs.set_defaultVmBehavior(vim::DrsBehavior::manual);
    auto spec = vim::ClusterConfigSpecEx::make();
    spec.set_drsConfig(drs);
    Value request = vim::make_object(TypeId::ReconfigureComputeResource_TaskRequestType);
    set_property(request, "spec", spec.raw());
    set_property(request, "modify", Value::boolean(true));
    run_task(cluster, "ReconfigureComputeResource_Task", request);
    EXPECT_THAT(world->events.types(), ElementsAre("DatacenterCreatedEvent", "ClusterCreatedEvent",
                                                   "ClusterReconfiguredEvent", "DrsEnabledEvent"));
    const Value before = property(cluster, "configurationEx");
    restart();
    EXPECT_EQ(property(cluster, "configurationEx"), before);
    EXPECT_EQ(property(cluster, "configuration")
                  .property("drsConfig")
                  .property("defaultVmBehavior")
                  .as_string(),
              "manual");
}

}  // namespace
}  // namespace drover::center
