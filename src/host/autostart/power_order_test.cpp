#include "host/autostart/power_order.hpp"

#include <gtest/gtest.h>

#include "vim/fault.hpp"

namespace drover::host {
namespace {

vim::AutoStartPowerInfo machine(std::string_view id, std::int32_t order,
                                std::string_view start = "powerOn") {
    auto info = vim::AutoStartPowerInfo::make();
    info.set_key({vim::TypeId::VirtualMachine, std::string(id)});
    info.set_startOrder(order);
    info.set_startDelay(-1);
    info.set_waitForHeartbeat(vim::AutoStartWaitHeartbeatSetting::systemDefault);
    info.set_startAction(start);
    info.set_stopDelay(-1);
    info.set_stopAction("systemDefault");
    return info;
}

vim::HostAutoStartManagerConfig spec(const std::vector<vim::AutoStartPowerInfo>& machines) {
    auto made = vim::HostAutoStartManagerConfig::make();
    made.set_powerInfo(machines);
    return made;
}

std::vector<std::string> order_of(const vim::HostAutoStartManagerConfig& config) {
    std::vector<std::string> ids;
    for (const auto& info : start_order(config)) ids.push_back(info.key().id);
    return ids;
}

using Ids = std::vector<std::string>;

TEST(PowerOrder, MachinesStandInTheirPlaces) {
    auto config = reconfigured(default_autostart(),
                               spec({machine("a", 2), machine("b", -1), machine("c", 1)}));
    EXPECT_EQ(order_of(config), (Ids{"c", "a", "b"}));
    config = reconfigured(config, spec({machine("d", 1)}));
    EXPECT_EQ(order_of(config), (Ids{"d", "c", "a", "b"}));
    config = reconfigured(config, spec({machine("c", 9)}));
    EXPECT_EQ(order_of(config), (Ids{"d", "a", "c", "b"}));
}

TEST(PowerOrder, ActionNoneLeavesTheList) {
    auto config = reconfigured(default_autostart(), spec({machine("a", 1), machine("b", 2)}));
    config = reconfigured(config, spec({machine("a", -1, "None")}));
    EXPECT_EQ(order_of(config), Ids{"b"});
}

TEST(PowerOrder, WordsAreTakenInAnyCase) {
    const auto config = reconfigured(default_autostart(), spec({machine("a", 1, "PowerOn")}));
    EXPECT_EQ(config.powerInfo()[0].startAction(), "powerOn");
}

TEST(PowerOrder, DefaultsChangeOneByOne) {
    auto defaults = vim::AutoStartDefaults::make();
    defaults.set_enabled(true);
    auto wanted = vim::HostAutoStartManagerConfig::make();
    wanted.set_defaults(defaults);
    const auto config = reconfigured(default_autostart(), wanted);
    EXPECT_EQ(config.defaults().enabled(), true);
    EXPECT_EQ(config.defaults().startDelay(), 120);
    EXPECT_EQ(config.defaults().stopAction(), "powerOff");
}

TEST(PowerOrder, RefusesNonsense) {
    const auto old = default_autostart();
    EXPECT_THROW(reconfigured(old, spec({machine("a", 0)})), vim::Fault);
    EXPECT_THROW(reconfigured(old, spec({machine("a", 1, "explode")})), vim::Fault);
    auto late = machine("a", 1);
    late.set_startDelay(1'000'000);
    EXPECT_THROW(reconfigured(old, spec({late})), vim::Fault);
}

TEST(PowerOrder, ForgetsMachines) {
    const auto config = reconfigured(default_autostart(), spec({machine("a", 1), machine("b", 2)}));
    EXPECT_EQ(order_of(without(config, [](const auto& ref) { return ref.id == "a"; })), Ids{"b"});
}

}  // namespace
}  // namespace drover::host
