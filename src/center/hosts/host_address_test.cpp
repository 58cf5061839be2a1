#include "center/hosts/host_address.hpp"

#include <gtest/gtest.h>

#include "center/hosts/host_operations.hpp"
#include "center/hosts/host_record.hpp"
#include "task/test_runtime.hpp"

namespace drover::center {
namespace {

HostAddress parsed(std::string_view text, std::optional<std::int32_t> port = {}) {
    return parse_host_address(text, port, "spec.hostName");
}

TEST(HostAddressTest, ReadsWhatClientsWrite) {
    EXPECT_EQ(parsed("10.0.0.1"), (HostAddress{"10.0.0.1", 443}));
    EXPECT_EQ(parsed("10.0.0.1", 8443), (HostAddress{"10.0.0.1", 8443}));
    EXPECT_EQ(parsed("10.0.0.1", -1), (HostAddress{"10.0.0.1", 443}));
    EXPECT_EQ(parsed("host1.example.org:8443", 443), (HostAddress{"host1.example.org", 8443}));
    EXPECT_EQ(parsed("[2001:db8::1]:8443"), (HostAddress{"2001:db8::1", 8443}));
    EXPECT_EQ(parsed("[2001:db8::1]"), (HostAddress{"2001:db8::1", 443}));
    EXPECT_EQ(parsed("2001:db8::1"), (HostAddress{"2001:db8::1", 443}));
}

TEST(HostAddressTest, NamesShowThePortOnlyWhereItIsUncommon) {
    EXPECT_EQ(parsed("10.0.0.1:443").name(), "10.0.0.1");
    EXPECT_EQ(parsed("10.0.0.1:444").name(), "10.0.0.1:444");
    EXPECT_EQ(parsed("[::1]:444").name(), "[::1]:444");
}

TEST(HostAddressTest, RefusesTheRest) {
    for (const char* wrong : {"", "a host", "host:", "host:0", "host:65536", "host:x", "[::1]x",
                              "user@host", "https://host", "a\nb"}) {
        EXPECT_EQ(task::fault_name([&] { (void)parsed(wrong); }), "InvalidArgument") << wrong;
    }
    EXPECT_EQ(task::fault_name([] { (void)parsed(std::string(300, 'a')); }), "InvalidArgument");
    EXPECT_EQ(task::fault_name([] { (void)parsed("host", 70'000); }), "InvalidArgument");
}

TEST(HostAddressTest, EitherThumbprintWillDo) {
    const Thumbprints there{"AB:CD", "01:02:03"};
    for (const char* right : {"AB:CD", "abcd", "01:02:03", "010203"}) {
        EXPECT_NO_THROW(require_certificate(there, right, "host")) << right;
    }
    for (const char* wrong : {"", ":", "AB:CE", "AB"}) {
        try {
            require_certificate(there, wrong, "host");
            ADD_FAILURE() << wrong;
        } catch (const vim::Fault& fault) {
            EXPECT_EQ(fault.fault().as<vim::SSLVerifyFault>().thumbprint(), "AB:CD");
        }
    }
}

TEST(HostRecordTest, ComesBackAsItWasStored) {
    Host host;
    host.ref = {vim::TypeId::HostSystem, "host-9"};
    host.compute_resource = {vim::TypeId::ClusterComputeResource, "domain-c7"};
    host.uuid = "4c4c4544-0000";
    host.name = "10.0.0.1:8443";
    host.desired = DesiredState::disconnected;
    host.target = {"10.0.0.1", 8443, "01:02", "drover-center-12345678", "se\"cret"};
    host.thumbprint = "AB:CD";
    auto config = vim::HostConfigSummary::make();
    config.set_name("host1");
    config.set_port(443);
    host.last_summary = vim::HostListSummary::make();
    host.last_summary.set_config(config);
    const auto record = record_of(host);
    EXPECT_EQ(record.parent, "domain-c7");
    const Host back = host_of(record);
    EXPECT_EQ(back.ref, host.ref);
    EXPECT_EQ(back.compute_resource, host.compute_resource);
    EXPECT_EQ(back.uuid, host.uuid);
    EXPECT_EQ(back.name, host.name);
    EXPECT_EQ(back.desired, host.desired);
    EXPECT_EQ(back.target.address, host.target.address);
    EXPECT_EQ(back.target.port, host.target.port);
    EXPECT_EQ(back.target.thumbprint_sha256, host.target.thumbprint_sha256);
    EXPECT_EQ(back.target.user, host.target.user);
    EXPECT_EQ(back.target.password, host.target.password);
    EXPECT_EQ(back.thumbprint, host.thumbprint);
    EXPECT_EQ(back.last_summary.config().name(), "host1");
}

TEST(WithoutReferencesTest, ReferencesGoAndTheRestStays) {
    auto summary = vim::HostListSummary::make();
    summary.set_host({vim::TypeId::HostSystem, "ha-host"});
    summary.set_managementServerIp("10.0.0.9");
    auto info = vim::HostConnectInfo::make();
    info.set_host(summary);
    const vim::HostConnectInfo stripped(without_references(info.raw()));
    EXPECT_FALSE(stripped.host().host());
    EXPECT_EQ(stripped.host().managementServerIp(), "10.0.0.9");
}

}  // namespace
}  // namespace drover::center
