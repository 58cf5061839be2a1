#include "network/virtual_switches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/process.hpp"
#include "base/random.hpp"
#include "network/bridge/bridge_control.hpp"
#include "network/bridge/bridge_switches.hpp"
#include "network/name_service.hpp"
#include "network/netlink.hpp"
#include "network/nic_details.hpp"
#include "network/routes.hpp"

namespace drover::network {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ResolvConf, IsReadAsResolversDo) {
    auto config = parse_resolv_conf(
        "# comment\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1  ; first\nnameserver nonsense\n"
        "nameserver fe80::1%eth0\noptions ndots:2\nsearch old.example\nsearch a.example b.example\n"
        "nameserver");
    add_host_name(config, "esx1.lab.example");
    EXPECT_THAT(config.servers, ElementsAre("192.0.2.1", "2001:db8::1", "fe80::1%eth0"));
    EXPECT_THAT(config.search, ElementsAre("a.example", "b.example"));
    EXPECT_EQ(config.host_name, "esx1");
    EXPECT_EQ(config.domain, "lab.example");
}

TEST(ResolvConf, GivesTheDomainWhenTheHostNameDoesNot) {
    auto config = parse_resolv_conf("domain d.example\nsearch s.example\n");
    add_host_name(config, "esx1");
    EXPECT_EQ(config.domain, "d.example");
    config = parse_resolv_conf("search s.example\n");
    add_host_name(config, "esx1");
    EXPECT_EQ(config.domain, "s.example");
    EXPECT_THAT(parse_resolv_conf("").servers, IsEmpty());
}

TEST(Routes, FindsTheDefaultOnes) {
    const auto four = parse_ipv4_routes(
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "ppp0\t00000000\t00000000\t0001\t0\t0\t7\t00000000\t0\t0\t0\n"
        "bad\t00000000\tzz\t0003\t0\t0\t0\t00000000\t0\t0\t0\nshort\t00000000\n");
    ASSERT_EQ(four.size(), 2u);
    EXPECT_EQ(four[0].gateway, "192.0.2.1");
    EXPECT_EQ(four[0].metric, 100u);
    EXPECT_EQ(four[1].interface, "ppp0");
    EXPECT_EQ(four[1].gateway, "");
    const std::string zero(32, '0');
    const auto six = parse_ipv6_routes(
        zero + " 00 " + zero + " 00 fe800000000000000000000000000001 00000400 0 0 00000003 eth0\n" +
        zero + " 00 " + zero + " 00 " + zero + " ffffffff 1 0 00200200 lo\n");
    ASSERT_EQ(six.size(), 1u);
    EXPECT_EQ(six[0].gateway, "fe80::1");
    EXPECT_EQ(six[0].metric, 1024u);
}

TEST(Pci, ReadsItsIdsFromSysfs) {
    const auto root =
        std::filesystem::temp_directory_path() / ("drover-network-" + base::SystemRandom().hex(8));
    const auto device = root / "bus/pci/devices/0000:03:00.0";
    std::filesystem::create_directories(device);
    std::ofstream(device / "vendor") << "0x8086\n";
    std::ofstream(device / "device") << "garbage\n";
    PhysicalNic nic;
    nic.pci_address = "0000:03:00.0";
    add_pci_ids(nic, root);
    EXPECT_EQ(nic.pci_vendor, 0x8086);
    EXPECT_EQ(nic.pci_device, std::nullopt);
    nic.pci_address = "../../../etc";
    add_pci_ids(nic, root);
    EXPECT_EQ(nic.pci_vendor, 0x8086) << "a path that is no address was followed";
    std::filesystem::remove_all(root);
    EXPECT_TRUE(is_pci_address("0000:ff:1f.7"));
    EXPECT_FALSE(is_pci_address("0000:ff:1f.70"));
}

TEST(Netlink, LeavesDamagedAttributesOut) {
    const std::string good(
        "\x08\x00\x01\x00"
        "abcd",
        8);
    EXPECT_EQ(attributes(good).at(1), "abcd");
    EXPECT_THAT(attributes(good.substr(0, 6)), IsEmpty());
    EXPECT_THAT(attributes(std::string("\x02\x00\x01\x00", 4)), IsEmpty());
    EXPECT_EQ(attributes(good + std::string("\xff\xff\x02\x00zz", 6)).size(), 1u);
}

TEST(RealHost, IsReadWithoutPrivileges) {
    const NetworkState state = BridgeSwitches().read();
    EXPECT_FALSE(state.dns.host_name.empty());
    const auto loopback = std::ranges::find(state.addresses, "lo", &InterfaceAddress::interface);
    if (loopback != state.addresses.end()) {
        EXPECT_TRUE(loopback->loopback);
        EXPECT_EQ(loopback->mtu_bytes, 65536u);
    }
    for (const PhysicalNic& nic : state.physical_nics) {
        EXPECT_EQ(nic.mac.size(), 17u) << nic.name;
        EXPECT_GT(nic.mtu_bytes, 0u) << nic.name;
    }
    if (const auto* address = state.management_address()) EXPECT_FALSE(address->loopback);
}

// Runs `body` in a thread with a network namespace of its own, so nothing of it stays behind.
void in_private_network(const std::function<void()>& body) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make a network namespace";
    bool entered = false;
    std::thread([&] {
        entered = ::unshare(CLONE_NEWNET) == 0;
        if (entered) body();
    }).join();
    if (!entered) GTEST_SKIP() << "can't make a network namespace here";
}

void ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    const auto result = base::run_process(arguments, 10s);
    ASSERT_EQ(result.exit_code, 0) << result.standard_error;
}

template <class Function>
std::string refusal(Function function) {
    try {
        function();
        return "granted";
    } catch (const BridgeRefused& refused) {
        return refused.what();
    }
}

TEST(Bridge, IsMadeShownAndRemoved) {
    in_private_network([] {
        ip({"link", "add", "up0", "type", "veth", "peer", "name", "far0"});
        ensure_bridge("drv0", "up0");
        ensure_bridge("drv0", "up0");
        ensure_bridge("drv0", {});
        NetworkState state = BridgeSwitches().read();
        ASSERT_EQ(state.bridges.size(), 1u);
        EXPECT_EQ(state.bridges[0].name, "drv0");
        EXPECT_TRUE(state.bridges[0].enabled);
        EXPECT_TRUE(state.bridges[0].made_by_drover);
        EXPECT_EQ(state.bridges[0].mtu_bytes, 1500u);
        EXPECT_EQ(state.bridges[0].mac.size(), 17u);
        EXPECT_THAT(state.bridges[0].ports, ElementsAre("up0"));
        EXPECT_THAT(state.bridges[0].uplinks, IsEmpty());
        remove_bridge("drv0");
        remove_bridge("drv0");
        EXPECT_THAT(BridgeSwitches().read().bridges, IsEmpty());
    });
}

TEST(Bridge, TakesAVethIntoAnotherNamespaceForACable) {
    in_private_network([] {
        // The far end goes into this process's first namespace and vanishes with the near one.
        const std::string far = "dvt" + base::SystemRandom().hex(4);
        ip({"link", "add", "eth9", "type", "veth", "peer", "name", far, "netns",
            std::to_string(::getpid())});
        ensure_bridge("drv0", "eth9");
        EXPECT_THAT(BridgeSwitches().read().physical_nics, IsEmpty());
        BridgeOptions options;
        options.veth_is_physical = true;
        const NetworkState state = BridgeSwitches(options).read();
        ASSERT_EQ(state.physical_nics.size(), 1u);
        EXPECT_EQ(state.physical_nics[0].name, "eth9");
        EXPECT_EQ(state.physical_nics[0].driver, "veth");
        EXPECT_EQ(state.physical_nics[0].bridge, "drv0");
        EXPECT_TRUE(state.physical_nics[0].enabled);
        EXPECT_FALSE(state.physical_nics[0].link_up) << "the far end is down";
        EXPECT_THAT(state.bridges[0].uplinks, ElementsAre("eth9"));
    });
}

TEST(Bridge, RefusesWhatIsNotOursOrNotFit) {
    in_private_network([] {
        ip({"link", "add", "theirs", "type", "bridge"});
        ip({"link", "set", "theirs", "up"});
        ip({"link", "add", "v0", "type", "veth", "peer", "name", "v1"});
        ip({"addr", "add", "192.0.2.7/24", "dev", "v1"});
        EXPECT_EQ(refusal([] { ensure_bridge("theirs", {}); }),
                  "bridge theirs was not made by drover");
        EXPECT_EQ(refusal([] { remove_bridge("theirs"); }), "bridge theirs was not made by drover");
        EXPECT_EQ(refusal([] { ensure_bridge("v0", {}); }), "v0 exists and is no bridge");
        EXPECT_EQ(refusal([] { remove_bridge("v0"); }), "v0 exists and is no bridge");
        EXPECT_EQ(refusal([] { ensure_bridge("drv0", "none"); }), "uplink none does not exist");
        EXPECT_EQ(refusal([] { ensure_bridge("drv0", "lo"); }), "uplink lo is no Ethernet port");
        EXPECT_EQ(refusal([] { ensure_bridge("drv0", "theirs"); }),
                  "uplink theirs is no Ethernet port");
        EXPECT_THAT(refusal([] { ensure_bridge("drv0", "v1"); }),
                    HasSubstr("carries the address 192.0.2.7"));
        ip({"link", "set", "v0", "master", "theirs"});
        EXPECT_EQ(refusal([] { ensure_bridge("drv0", "v0"); }),
                  "uplink v0 is a port of another switch");
        EXPECT_EQ(BridgeSwitches().read().bridges.size(), 1u) << "a refusal left a bridge behind";
        const auto state = BridgeSwitches().read();
        ASSERT_NE(state.management_address(), nullptr);
        EXPECT_EQ(state.management_address()->address, "192.0.2.7");
    });
}

TEST(Bridge, IsNotTakenFromUnderAMachine) {
    in_private_network([] {
        ensure_bridge("drv0", {});
        ip({"tuntap", "add", "vnet0", "mode", "tap"});
        ip({"link", "set", "vnet0", "master", "drv0"});
        EXPECT_THAT(refusal([] { remove_bridge("drv0"); }), HasSubstr("vnet0"));
    });
}

TEST(Bridge, CompletesWhatACrashLeftHalfMade) {
    in_private_network([] {
        ip({"link", "add", "drv0", "type", "bridge"});
        ensure_bridge("drv0", {});
        EXPECT_TRUE(BridgeSwitches().read().bridges[0].made_by_drover);
    });
}

TEST(InterfaceName, IsWhatTheKernelAllowsAndNoMore) {
    for (const char* name : {"a", "vSwitch0", "drv-1_2.3", "fifteen-letters"}) {
        EXPECT_TRUE(valid_interface_name(name)) << name;
    }
    for (const char* name : {"", ".", "..", "a/b", "a b", "sixteen-letters-", "a\n", "\xc3\xa4"}) {
        EXPECT_FALSE(valid_interface_name(name)) << name;
    }
    EXPECT_FALSE(valid_interface_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace drover::network
