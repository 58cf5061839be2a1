#include "host/services/service_system.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"
#include "host/time/date_time_system.hpp"

namespace drover::host {
namespace {

using vim::Value;

TEST(Services, ShowWhatIsInstalled) {
    const auto info = make_services(
        {{"ssh.service", {true, false}}, {"systemd-timesyncd.service", {false, true}}}, true);
    ASSERT_EQ(info.service().size(), 4u);
    EXPECT_EQ(info.service()[0].key(), "TSM-SSH");
    EXPECT_TRUE(info.service()[0].running());
    EXPECT_EQ(info.service()[0].policy(), "off");
    EXPECT_EQ(info.service()[1].key(), "ntpd");
    EXPECT_FALSE(info.service()[1].running());
    EXPECT_EQ(info.service()[1].policy(), "on");
    EXPECT_TRUE(info.service()[2].required());
    EXPECT_TRUE(simulated::missing_in(info).empty());
}

TEST(Services, RequiredOnesStay) {
    simulated::SimulatedHost host;
    ServiceSystem services(host.context);
    host.run(services.start());
    const auto outcome = [&](std::string_view method, const std::string& id) -> std::string {
        Value request = vim::make_object(vim::find_method(method)->request);
        request.set_slot(*vim::describe(request.type()).find_property("id"), Value::string(id));
        try {
            host.call(references::service_system, method, request);
        } catch (const vim::Fault& fault) {
            return std::string(vim::describe(fault.fault().dynamic_type()).name());
        }
        return "done";
    };
    EXPECT_EQ(outcome("StopService", "hostd"), "HostConfigFault");
    EXPECT_EQ(outcome("StartService", "TSM-SSH"), "NotFound");
    EXPECT_EQ(outcome("RestartService", "warp"), "NotFound");
}

TEST(Services, TimeServersAreNames) {
    EXPECT_NO_THROW(check_time_servers({"0.debian.pool.ntp.org", "192.0.2.1", "2001:db8::1"}, "x"));
    EXPECT_THROW(check_time_servers({"a b"}, "x"), vim::Fault);
    EXPECT_THROW(check_time_servers({"-x"}, "x"), vim::Fault);
    EXPECT_THROW(check_time_servers({"a\nb"}, "x"), vim::Fault);
    EXPECT_THROW(check_time_servers(std::vector<std::string>(11, "a"), "x"), vim::Fault);
}

}  // namespace
}  // namespace drover::host
