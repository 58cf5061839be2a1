#include "host/machines/guest_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::host {
namespace {

using testing::ElementsAre;
using vim::VirtualMachineToolsStatus;

hypervisor::GuestInterface interface(const std::string& name, const std::string& mac,
                                     const std::vector<std::string>& ips) {
    hypervisor::GuestInterface made;
    made.name = name;
    made.mac = mac;
    for (const std::string& ip : ips) made.addresses.push_back({ip, 24});
    return made;
}

/// A machine with one network adapter whose guest agent has told what it knows.
Machine running_machine() {
    Machine machine;
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    backing.set_deviceName("VM Network");
    auto card = vim::VirtualVmxnet3::make();
    card.set_key(4000);
    card.set_macAddress("00:50:56:AA:BB:01");
    card.set_backing(backing);
    auto hardware = vim::VirtualHardware::make();
    hardware.set_device({card});
    machine.config = vim::VirtualMachineConfigInfo::make();
    machine.config.set_guestId("debian12_64Guest");
    machine.config.set_guestFullName("Debian GNU/Linux 12 (64-bit)");
    machine.config.set_hardware(hardware);
    machine.domain.emplace();
    machine.domain->agent_connected = true;
    machine.guest.emplace();
    machine.guest->host_name = "web01";
    machine.guest->os_pretty = "Debian GNU/Linux 12 (bookworm)";
    machine.guest->interfaces = {
        interface("lo", "00:00:00:00:00:00", {"127.0.0.1"}),
        interface("eth0", "00:50:56:aa:bb:01", {"fe80::1", "2001:db8::5", "10.1.2.3"}),
        interface("docker0", "02:42:00:00:00:01", {"172.17.0.1"})};
    return machine;
}

TEST(GuestView, ShowsWhatTheAgentTold) {
    const auto guest = make_guest(running_machine());
    EXPECT_EQ(guest.toolsStatus(), VirtualMachineToolsStatus::toolsOk);
    EXPECT_EQ(guest.toolsRunningStatus(), "guestToolsRunning");
    EXPECT_EQ(guest.guestState(), "running");
    EXPECT_EQ(guest.hostName(), "web01");
    EXPECT_EQ(guest.ipAddress(), "10.1.2.3");
    EXPECT_EQ(guest.guestFullName(), "Debian GNU/Linux 12 (bookworm)");
    const auto nics = guest.net().to_vector();
    ASSERT_EQ(nics.size(), 2u) << "the loopback is left out";
    EXPECT_EQ(nics[0].deviceConfigId(), 4000) << "found by its address, in whatever case";
    EXPECT_EQ(nics[0].network(), "VM Network");
    EXPECT_THAT(nics[0].ipAddress().to_vector(), ElementsAre("fe80::1", "2001:db8::5", "10.1.2.3"));
    EXPECT_EQ(nics[0].ipConfig().ipAddress().to_vector()[2].prefixLength(), 24);
    EXPECT_EQ(nics[1].deviceConfigId(), -1) << "the guest's own bridge is no adapter of ours";
}

TEST(GuestView, ChoosesTheAddressByWhichTheGuestIsReached) {
    Machine machine = running_machine();
    auto& interfaces = machine.guest->interfaces;
    const auto choose = [&](std::vector<hypervisor::GuestInterface> given) {
        interfaces = std::move(given);
        return guest_address(machine);
    };
    EXPECT_EQ(choose({}), "");
    EXPECT_EQ(choose({interface("lo", "", {"10.0.0.1"})}), "");
    EXPECT_EQ(choose({interface("eth0", "02::1", {"169.254.3.3", "fe80::9", "::1"})}), "");
    EXPECT_EQ(choose({interface("eth0", "02::1", {"fe80::9", "2001:db8::1", "2001:db8::2"})}),
              "2001:db8::1");
    EXPECT_EQ(choose({interface("eth0", "02::1", {"2001:db8::1"}),
                      interface("eth1", "02::2", {"192.168.1.9"})}),
              "192.168.1.9");
}

TEST(GuestView, AMachineThatIsOffShowsNothingOfItsLastRun) {
    Machine machine = running_machine();
    machine.domain.reset();
    const auto guest = make_guest(machine);
    EXPECT_EQ(guest.guestState(), "notRunning");
    EXPECT_EQ(guest.toolsStatus(), VirtualMachineToolsStatus::toolsNotRunning);
    EXPECT_FALSE(guest.ipAddress());
    EXPECT_FALSE(guest.hostName());
    EXPECT_EQ(guest.net().size(), 0u);
    EXPECT_EQ(guest_address(machine), "");
}

TEST(GuestView, WithoutAnAgentTheStateIsUnknown) {
    Machine machine = running_machine();
    machine.domain->agent_connected = false;
    machine.guest.reset();
    const auto guest = make_guest(machine);
    EXPECT_EQ(guest.guestState(), "unknown");
    EXPECT_EQ(guest.toolsStatus(), VirtualMachineToolsStatus::toolsNotInstalled);
    EXPECT_EQ(guest.toolsVersionStatus2(), "guestToolsNotInstalled");
    EXPECT_EQ(make_guest_summary(machine).toolsStatus(),
              VirtualMachineToolsStatus::toolsNotInstalled);
}

TEST(GuestView, TheSummaryAgreesWithTheWhole) {
    const Machine machine = running_machine();
    const auto guest = make_guest(machine);
    const auto summary = make_guest_summary(machine);
    EXPECT_EQ(summary.hostName(), guest.hostName());
    EXPECT_EQ(summary.ipAddress(), guest.ipAddress());
    EXPECT_EQ(summary.toolsStatus(), guest.toolsStatus());
    EXPECT_EQ(summary.toolsRunningStatus(), guest.toolsRunningStatus());
    EXPECT_EQ(summary.guestFullName(), "Debian GNU/Linux 12 (64-bit)");
}

TEST(GuestView, FileSystemsNeverHaveMoreUsedThanThereIs) {
    Machine machine = running_machine();
    machine.guest->filesystems.resize(3);
    machine.guest->filesystems[0].mount_point = "/";
    machine.guest->filesystems[0].total_bytes = 1000;
    machine.guest->filesystems[0].used_bytes = 400;
    machine.guest->filesystems[1].mount_point = "/hostile";
    machine.guest->filesystems[1].total_bytes = 10;
    machine.guest->filesystems[1].used_bytes = 1000;
    machine.guest->filesystems[2].mount_point = "/proc";
    const auto disks = make_guest(machine).disk().to_vector();
    ASSERT_EQ(disks.size(), 2u);
    EXPECT_EQ(disks[0].diskPath(), "/");
    EXPECT_EQ(disks[0].capacity(), 1000);
    EXPECT_EQ(disks[0].freeSpace(), 600);
    EXPECT_EQ(disks[1].freeSpace(), 0);
}

}  // namespace
}  // namespace drover::host
