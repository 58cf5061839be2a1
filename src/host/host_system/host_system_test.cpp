#include "host/host_system/host_system.hpp"

#include <gtest/gtest.h>

#include "host/host_system/hardware.hpp"
#include "host/host_system/network_view.hpp"
#include "host/host_system/simulated_host.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {
namespace {

using simulated::missing_in;
using simulated::SimulatedHost;
using Strings = std::vector<std::string>;
namespace property = vim::property::HostSystem;

network::NetworkState two_nics() {
    network::NetworkState state;
    state.physical_nics.resize(1);
    state.physical_nics[0].name = "eth0";
    state.physical_nics[0].mac = "52:54:00:12:34:56";
    state.physical_nics[0].link_up = true;
    state.physical_nics[0].speed_mbit = 1000;
    state.bridges.resize(1);
    state.bridges[0].name = "br0";
    state.bridges[0].mtu_bytes = 1500;
    state.bridges[0].ports = {"eth0", "tap1"};
    state.bridges[0].uplinks = {"eth0"};
    network::InterfaceAddress address;
    address.interface = "br0";
    address.address = "192.0.2.7";
    address.prefix_length = 26;
    state.addresses = {address};
    state.default_routes = {{network::AddressFamily::ipv4, "br0", "192.0.2.1", 0}};
    return state;
}

class HostSystemTest : public testing::Test {
protected:
    HostSystemTest() { host.run(system.start()); }
    const vim::Value& shown(model::PropertyIndex index) const {
        return host.inventory.get(references::host).property(index);
    }
    vim::MoRef enter(std::int32_t timeout) {
        auto request = vim::EnterMaintenanceMode_TaskRequest::make();
        request.set_timeout(timeout);
        return host.call(references::host, "EnterMaintenanceMode_Task", request.raw()).as_moref();
    }
    vim::MoRef exit() {
        auto request = vim::ExitMaintenanceMode_TaskRequest::make();
        request.set_timeout(0);
        return host.call(references::host, "ExitMaintenanceMode_Task", request.raw()).as_moref();
    }

    SimulatedHost host;
    HostSystem system{host.context, two_nics};
};

TEST_F(HostSystemTest, NothingThatClientsCountOnIsMissing) {
    host.run(host.networks.start());
    host.run(system.refresh());
    const auto& object = host.inventory.get(references::host);
    const auto& type = vim::describe(vim::TypeId::HostSystem);
    for (std::uint16_t index = 0; index < object.property_count(); ++index) {
        const auto& value = object.property(index);
        EXPECT_EQ(missing_in(value), Strings{}) << type.properties()[index].name();
        if (!type.properties()[index].optional()) {
            EXPECT_TRUE(value) << type.properties()[index].name();
        }
    }
    for (const auto index :
         {property::capability, property::config, property::hardware, property::runtime,
          property::summary, property::vm, property::datastore, property::network}) {
        EXPECT_TRUE(shown(index)) << type.properties()[index].name();
    }
    const auto& network_system = host.inventory.get(references::network_system);
    for (std::uint16_t index = 0; index < network_system.property_count(); ++index) {
        EXPECT_EQ(missing_in(network_system.property(index)), Strings{});
    }
}

TEST_F(HostSystemTest, ShowsTheNetwork) {
    host.run(host.networks.start());
    host.run(system.refresh());
    const vim::HostConfigInfo config(shown(property::config));
    const auto network = config.network();
    ASSERT_EQ(network.vswitch().size(), 1u);
    EXPECT_EQ(network.vswitch()[0].numPortsAvailable(), 1022);
    ASSERT_EQ(network.portgroup().size(), 1u);
    EXPECT_EQ(network.portgroup()[0].spec().name(), "VM Network");
    ASSERT_EQ(network.vnic().size(), 1u);
    EXPECT_EQ(network.vnic()[0].portgroup(), "VM Network");
    EXPECT_EQ(network.vnic()[0].spec().ip().subnetMask(), "255.255.255.192");
    EXPECT_EQ(network.dnsConfig().hostName(), "host1");
    EXPECT_EQ(network.dnsConfig().domainName(), "example.org");
    EXPECT_EQ(network.ipRouteConfig().defaultGateway(), "192.0.2.1");
    const auto roles = config.virtualNicManagerInfo().netConfig();
    ASSERT_EQ(roles.size(), 2u);
    EXPECT_EQ(roles[0].selectedVnic().size(), 1u);
    EXPECT_EQ(roles[1].selectedVnic().size(), 0u);
    EXPECT_EQ(vim::HostListSummary(shown(property::summary)).hardware().numNics(), 1);
}

TEST_F(HostSystemTest, ShowsUsage) {
    HostUsage usage;
    usage.cpu_mhz = 1234;
    usage.memory_bytes = 5ULL << 30;
    usage.uptime = std::chrono::seconds(99);
    system.show_usage(usage);
    const auto stats = vim::HostListSummary(shown(property::summary)).quickStats();
    EXPECT_EQ(stats.overallCpuUsage(), 1234);
    EXPECT_EQ(stats.overallMemoryUsage(), 5 * 1024);
    EXPECT_EQ(stats.uptime(), 99);
}

TEST_F(HostSystemTest, MaintenanceModeWaitsForRunningMachines) {
    using vim::VirtualMachinePowerState::poweredOff;
    const auto machine = host.add_machine("1", vim::VirtualMachinePowerState::poweredOn);
    const auto task = enter(0);
    host.run(host.runtime.sleep(std::chrono::milliseconds(50)));
    EXPECT_EQ(host.task_info(task).state(), vim::TaskInfoState::running);
    EXPECT_FALSE(system.in_maintenance_mode());
    EXPECT_FALSE(system.accepts_machines());
    EXPECT_THROW(system.require_accepts_machines(), vim::Fault);
    host.set_power(machine, poweredOff);
    EXPECT_EQ(host.wait(task).state(), vim::TaskInfoState::success);
    EXPECT_TRUE(system.in_maintenance_mode());
    EXPECT_TRUE(vim::HostRuntimeInfo(shown(property::runtime)).inMaintenanceMode());
    EXPECT_TRUE(vim::HostListSummary(shown(property::summary)).runtime().inMaintenanceMode());
    EXPECT_EQ(host.wait(enter(0)).state(), vim::TaskInfoState::error);
    EXPECT_EQ(host.wait(exit()).state(), vim::TaskInfoState::success);
    EXPECT_TRUE(system.accepts_machines());
    EXPECT_EQ(host.wait(exit()).state(), vim::TaskInfoState::error);
}

TEST_F(HostSystemTest, MaintenanceModeTimesOut) {
    host.add_machine("1", vim::VirtualMachinePowerState::poweredOn);
    const auto info = host.wait(enter(1));
    ASSERT_EQ(info.state(), vim::TaskInfoState::error);
    EXPECT_EQ(info.error().fault().dynamic_type(), vim::TypeId::Timedout);
    EXPECT_TRUE(system.accepts_machines());
}

TEST_F(HostSystemTest, MaintenanceModeCanBeCancelled) {
    host.add_machine("1", vim::VirtualMachinePowerState::poweredOn);
    const auto task = enter(0);
    host.tasks.cancel(task);
    EXPECT_EQ(host.wait(task).state(), vim::TaskInfoState::error);
    EXPECT_TRUE(system.accepts_machines());
}

TEST_F(HostSystemTest, MaintenanceModeSurvivesARestart) {
    EXPECT_EQ(host.wait(enter(0)).state(), vim::TaskInfoState::success);
    EXPECT_TRUE(host.store->get("host", "maintenance"));
    EXPECT_EQ(host.wait(exit()).state(), vim::TaskInfoState::success);
    EXPECT_FALSE(host.store->get("host", "maintenance"));
}

TEST(HostSystemStart, IsInMaintenanceModeIfItWas) {
    SimulatedHost host;
    store::Record record;
    record.kind = "host";
    record.id = "maintenance";
    host.store->commit_and_wait(store::Batch().put(record));
    HostSystem system(host.context, two_nics);
    host.run(system.start());
    EXPECT_TRUE(system.in_maintenance_mode());
}

TEST_F(HostSystemTest, AnswersMethods) {
    const auto info = host.call(references::host, "QueryHostConnectionInfo");
    EXPECT_EQ(missing_in(info), Strings{});
    EXPECT_GT(host.call(references::host, "RetrieveHardwareUptime").as_integer(), 0);
    // The power is the root helper's to use, and the test has none; so is asking without force.
    for (const bool force : {false, true}) {
        vim::Value request = vim::make_object(vim::find_method("RebootHost_Task")->request);
        request.set_slot(*vim::describe(request.type()).find_property("force"),
                         vim::Value::boolean(force));
        const auto task = host.call(references::host, "RebootHost_Task", request).as_moref();
        EXPECT_EQ(host.wait(task).error().fault().dynamic_type(),
                  force ? vim::TypeId::NotSupported : vim::TypeId::InvalidState);
    }
}

TEST(Capacity, IsTheComputerOrItsPart) {
    hypervisor::HostInfo info;
    info.cpu_mhz = 2000;
    info.logical_cpus = 8;
    info.cores = 4;
    info.sockets = 2;
    info.memory_bytes = 1 << 30;
    Config config;
    auto capacity = capacity_of(config, info);
    EXPECT_EQ(capacity.total_mhz(), 8000u);
    EXPECT_FALSE(capacity.is_part);
    config.cpu_cores = 1.5;
    capacity = capacity_of(config, info);
    EXPECT_EQ(capacity.cores, 2u);
    EXPECT_EQ(capacity.core_mhz, 1500u);
    EXPECT_TRUE(capacity.is_part);
}

TEST(CpuIdentity, IsWrittenAsBinaryDigits) {
    const auto info = cpu_id_info({.level = 1, .eax = 0x000506e3, .edx = 0x80000001});
    EXPECT_EQ(info.eax(), "0000:0000:0000:0101:0000:0110:1110:0011");
    EXPECT_EQ(info.edx(), "1000:0000:0000:0000:0000:0000:0000:0001");
    const auto signature = cpu_signature({{.level = 1, .eax = 0x000506e3}});
    EXPECT_EQ(signature.family, 6);
    EXPECT_EQ(signature.model, 0x5e);
    EXPECT_EQ(signature.stepping, 3);
    EXPECT_EQ(cpu_signature({}).family, 0);
}

TEST(Facts, AreThereOnARealComputer) {
    const auto now = base::SystemClock().wall_now();
    const auto facts = gather_facts(nullptr, now);
    EXPECT_LT(facts.boot_time, now);
    EXPECT_FALSE(facts.cpuid.empty());
    const auto network = read_network_state();
    EXPECT_EQ(missing_in(make_network_info(network, {}, "host")), Strings{});
}

TEST(Facts, ReadWhatTheFirmwareAndKernelSay) {
    EXPECT_EQ(firmware_date("04/01/2014"), base::parse_time("2014-04-01T00:00:00Z"));
    EXPECT_FALSE(firmware_date("2014-04-01"));
    EXPECT_FALSE(firmware_date("13/41/2014"));
    EXPECT_FALSE(firmware_date(""));
    EXPECT_EQ(boot_time_of("cpu 1 2\nbtime 1700000000\nprocesses 3\n"),
              base::WallTime(std::chrono::seconds(1'700'000'000)));
    EXPECT_FALSE(boot_time_of("cpu 1 2\n"));
    EXPECT_FALSE(boot_time_of("x\nbtime 99999999999999999999\n"));
}

}  // namespace
}  // namespace drover::host
