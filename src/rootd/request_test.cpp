#include "rootd/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::rootd {
namespace {

using testing::HasSubstr;

std::string fault(std::string_view text) {
    const auto request = parse_request(text);
    return request ? "accepted" : request.error();
}

std::string with_path(const std::string& path) {
    return R"({"operation":"reclaim","path":")" + path + "\"}";
}

TEST(Request, ReadsBackWhatItWrote) {
    const Request requests[] = {
        PrepareDatastore{"/vmfs/a b", "drover"},
        Reclaim{"/vmfs/x/y.vmss"},
        EnsureBridge{"drv0", "eth1"},
        EnsureBridge{"drv0", {}},
        RemoveBridge{"drv0"},
        SystemIdentityRequest{},
        VersionRequest{},
        ListServices{},
        ControlService{"ssh.service", "restart"},
        SetTimeZone{"America/Argentina/Buenos_Aires"},
        SetClock{1'768'435'200'000'000},
        SetTimeServers{{"0.debian.pool.ntp.org", "2001:db8::1"}},
        SetTimeServers{},
        PowerComputer{"reboot"},
    };
    for (const Request& request : requests) {
        const auto again = parse_request(format_message(to_message(request)));
        ASSERT_TRUE(again) << again.error();
        EXPECT_EQ(again->index(), request.index());
        EXPECT_EQ(to_message(*again), to_message(request));
    }
}

TEST(Request, RefusesWhatIsNoFlatObjectOfStrings) {
    for (const char* text :
         {"", " ", "{", "{}x", "\x00\x01", "{\"operation\":\"version\"",
          "{\"operation\":\"version\"}{}", "{'operation':'version'}", "{\"operation\":\"\xff\"}"}) {
        EXPECT_THAT(fault(text), HasSubstr("not JSON")) << text;
    }
    EXPECT_EQ(fault("[]"), "message is an array, not an object");
    EXPECT_EQ(fault("7"), "message is a number, not an object");
    EXPECT_EQ(fault(R"("version")"), "message is a string, not an object");
    EXPECT_EQ(fault(R"({"operation":{"a":"b"}})"), "field 'operation' is an object, not a string");
    EXPECT_EQ(fault(R"({"operation":["version"]})"), "field 'operation' is an array, not a string");
    EXPECT_EQ(fault(R"({"operation":null})"), "field 'operation' is null, not a string");
    EXPECT_EQ(fault(R"({"operation":"version","operation":"version"})"),
              "field 'operation' is there twice");
    EXPECT_EQ(fault(R"({"operation":"vers\u0000ion"})"), "field 'operation' contains a NUL");
    EXPECT_THAT(fault(std::string(100'000, '[')), HasSubstr("longer than 65536 bytes"));
    EXPECT_EQ(fault(std::string(60'000, '[')), "message is an array, not an object");
    std::string many = "{";
    for (int i = 0; i < 20; ++i) many += "\"f" + std::to_string(i) + "\":\"\",";
    EXPECT_EQ(fault(many + "\"x\":\"\"}"), "too many fields");
}

TEST(Request, KnowsItsFields) {
    EXPECT_EQ(fault("{}"), "field 'operation' is missing");
    EXPECT_EQ(fault(R"({"operation":"mount"})"), "operation is unknown");
    EXPECT_EQ(fault(R"({"operation":""})"), "operation is unknown");
    EXPECT_EQ(fault(R"({"operation":"version","x":"y"})"), "field 'x' is unknown");
    EXPECT_EQ(fault(R"({"operation":"reclaim"})"), "field 'path' is missing");
    EXPECT_EQ(fault(R"({"operation":"prepare_datastore","path":"/a/b"})"),
              "field 'group' is missing");
    EXPECT_EQ(fault(R"({"operation":"remove_bridge","name":"drv0","uplink":"eth0"})"),
              "field 'uplink' is unknown");
}

TEST(Request, RefusesPathsThatCouldLeadElsewhere) {
    EXPECT_EQ(fault(with_path("/vmfs/a")), "accepted");
    EXPECT_EQ(fault(with_path("/vmfs/..a/b..")), "accepted");
    EXPECT_EQ(fault(with_path("vmfs/a")), "field 'path' is not absolute");
    EXPECT_EQ(fault(with_path("")), "field 'path' is not absolute");
    EXPECT_EQ(fault(with_path("/")), "field 'path' is the root directory");
    EXPECT_EQ(fault(with_path("/vmfs/../etc")), "field 'path' has a '.' or '..' component");
    EXPECT_EQ(fault(with_path("/vmfs/./a")), "field 'path' has a '.' or '..' component");
    EXPECT_EQ(fault(with_path("/vmfs/a/..")), "field 'path' has a '.' or '..' component");
    EXPECT_EQ(fault(with_path("/vmfs//a")), "field 'path' has an empty component");
    EXPECT_EQ(fault(with_path("/vmfs/a/")), "field 'path' has an empty component");
    EXPECT_EQ(fault(with_path("/" + std::string(300, 'a'))),
              "field 'path' has a component that is too long");
    EXPECT_EQ(fault(with_path("/" + std::string(5000, 'a'))), "field 'path' is too long");
}

TEST(Request, RefusesNamesThatAreNone) {
    for (const char* name : {"", "..", "a/b", "sixteen-letters-", "a b"}) {
        const Request request = RemoveBridge{name};
        EXPECT_EQ(fault(format_message(to_message(request))),
                  "field 'name' is not an interface name");
    }
    EXPECT_EQ(fault(format_message(to_message(EnsureBridge{"drv0", ""}))),
              "field 'uplink' is not an interface name");
    for (const char* group : {"", "-x", "a:b", "a b", "a/b"}) {
        EXPECT_EQ(fault(format_message(to_message(PrepareDatastore{"/a/b", group}))),
                  "field 'group' is not a group name");
    }
}

TEST(Request, RefusesServicesAndTimesThatAreNone) {
    const auto refused = [](const Request& request) {
        return fault(format_message(to_message(request)));
    };
    for (const char* unit : {"", "-x", "a b", "../x", "/x", "a/b"}) {
        EXPECT_EQ(refused(ControlService{unit, "start"}), "field 'unit' is not a name") << unit;
    }
    EXPECT_EQ(refused(ControlService{"ssh.service", "mask"}),
              "field 'action' is none of: start, stop, restart, enable, disable");
    EXPECT_EQ(refused(SetTimeZone{"../../etc/shadow"}), "field 'zone' is not a name");
    EXPECT_EQ(refused(SetClock{-5}), "field 'since_1970_us' is not a number");
    EXPECT_EQ(refused(SetTimeServers{{"a;b"}}), "field 'servers' has no names");
    EXPECT_EQ(refused(SetTimeServers{std::vector<std::string>(11, "a")}),
              "field 'servers' has too many names");
    EXPECT_EQ(refused(PowerComputer{"halt"}), "field 'action' is none of: off, reboot");
}

}  // namespace
}  // namespace drover::rootd
