#include "host/network_system/network_system.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"
#include "host/network_system/port_group_spec.hpp"

namespace drover::host {
namespace {

using vim::Value;

class NetworkSystemTest : public testing::Test {
protected:
    NetworkSystemTest() {
        model::Transaction transaction(host.inventory);
        transaction.create(references::host.type, references::host.id);
        transaction.create(references::network_system.type, references::network_system.id);
        transaction.set(references::network_system, vim::property::HostNetworkSystem::networkInfo,
                        vim::HostNetworkInfo::make().raw());
        transaction.commit();
        host.run(host.networks.start());
        system.start();
    }

    static vim::HostPortGroupSpec spec(const std::string& name, std::int32_t vlan = 0,
                                       const std::string& vswitch = "br0") {
        auto made = vim::HostPortGroupSpec::make();
        made.set_name(name);
        made.set_vlanId(vlan);
        made.set_vswitchName(vswitch);
        made.set_policy(vim::HostNetworkPolicy::make());
        return made;
    }
    std::string add(const vim::HostPortGroupSpec& made) {
        auto request = vim::AddPortGroupRequest::make();
        request.set_portgrp(made);
        return outcome("AddPortGroup", request);
    }
    std::string remove(const std::string& name) {
        auto request = vim::RemovePortGroupRequest::make();
        request.set_pgName(name);
        return outcome("RemovePortGroup", request);
    }
    std::string outcome(std::string_view method, const Value& request) {
        try {
            host.call(references::network_system, method, request);
        } catch (const vim::Fault& fault) {
            return std::string(vim::describe(fault.fault().dynamic_type()).name());
        }
        return "done";
    }
    std::size_t shown() const {
        const Value& list = host.inventory.get(references::network_folder)
                                .property(vim::property::Folder::childEntity);
        return list.elements().size();
    }

    simulated::SimulatedHost host;
    NetworkSystem system{host.context, []() -> task::Awaitable<void> { co_return; }};
};

TEST_F(NetworkSystemTest, MakesAndRemovesPortGroups) {
    EXPECT_EQ(shown(), 1u);
    EXPECT_EQ(add(spec("Lab/one")), "done");
    EXPECT_EQ(add(spec("Lab/one")), "AlreadyExists");
    EXPECT_EQ(shown(), 2u);
    ASSERT_NE(host.networks.find("Lab/one"), nullptr);
    EXPECT_EQ(host.networks.find("Lab/one")->bridge, "br0");
    Networks later(host.basics);  // as after a restart
    EXPECT_EQ(host.store->load("portgroup").size(), 1u);
    EXPECT_EQ(remove("Lab/one"), "done");
    EXPECT_EQ(remove("Lab/one"), "NotFound");
    EXPECT_EQ(host.store->load("portgroup").size(), 0u);
    EXPECT_EQ(shown(), 1u);
}

TEST_F(NetworkSystemTest, RefusesWhatBridgesDoNot) {
    EXPECT_EQ(add(spec("a", 12)), "HostConfigFault");
    EXPECT_EQ(add(spec("a", 5000)), "InvalidArgument");
    EXPECT_EQ(add(spec("")), "InvalidArgument");
    EXPECT_EQ(add(spec("a", 0, "br9")), "NotFound");
    auto promiscuous = spec("a");
    auto security = vim::HostNetworkSecurityPolicy::make();
    security.set_allowPromiscuous(true);
    auto policy = vim::HostNetworkPolicy::make();
    policy.set_security(security);
    promiscuous.set_policy(policy);
    EXPECT_EQ(add(promiscuous), "HostConfigFault");
}

TEST_F(NetworkSystemTest, KeepsWhatIsConfiguredOrInUse) {
    EXPECT_EQ(remove("VM Network"), "ResourceInUse");
    EXPECT_EQ(add(spec("Lab")), "done");
    const auto machine = host.add_machine("7", vim::VirtualMachinePowerState::poweredOn);
    model::Transaction transaction(host.inventory);
    host.networks.set_machine(transaction, {host.networks.find("Lab")->ref}, machine);
    transaction.commit();
    EXPECT_EQ(remove("Lab"), "ResourceInUse");
    host.set_power(machine, vim::VirtualMachinePowerState::poweredOff);
    EXPECT_EQ(remove("Lab"), "done");
}

TEST_F(NetworkSystemTest, NamesBridges) {
    base::SystemRandom random;
    EXPECT_EQ(Networks::bridge_name("vSwitch1", "vSwitch", random), "vSwitch1");
    EXPECT_EQ(Networks::bridge_name("lab", "drv", random), "drv-lab");
    const auto odd = Networks::bridge_name("a name with spaces", "drv", random);
    EXPECT_TRUE(odd.starts_with("drv"));
    EXPECT_LE(odd.size(), 15u);
}

}  // namespace
}  // namespace drover::host
