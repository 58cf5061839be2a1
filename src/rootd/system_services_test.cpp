// What the policy does not give is refused before anything of the system is asked; and what it
// gives goes over D-Bus, here to a bus of the test's own with daemons that note what they are told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "base/file.hpp"
#include "base/random.hpp"
#include "rootd/operations.hpp"
#include "rootd/system_bus.hpp"

namespace drover::rootd {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// Answers for systemd, its clock and its login daemon.
constexpr const char* kDaemons = R"py(
import sys
import dbus, dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(sys.argv[1])
names = [dbus.service.BusName("org.freedesktop." + name, bus)
         for name in ("systemd1", "timedate1", "login1")]
units = {"ssh.service": ["inactive", "disabled"]}
told = open(sys.argv[2], "a", buffering=1)
MANAGER, UNIT = "org.freedesktop.systemd1.Manager", "org.freedesktop.systemd1.Unit"

class Unit(dbus.service.Object):
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return units["ssh.service"][0]

class Systemd(dbus.service.Object):
    @dbus.service.method(MANAGER, in_signature="s", out_signature="s")
    def GetUnitFileState(self, unit):
        if unit not in units:
            raise dbus.exceptions.DBusException("no such unit", name="org.example.None")
        return units[unit][1]

    @dbus.service.method(MANAGER, in_signature="s", out_signature="o")
    def LoadUnit(self, unit):
        return "/unit/ssh"

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def StartUnit(self, unit, mode):
        units[unit][0] = "active"
        return "/job/1"

    @dbus.service.method(MANAGER, in_signature="asbb", out_signature="ba(sss)")
    def EnableUnitFiles(self, files, runtime, force):
        units[files[0]][1] = "enabled"
        return True, []

    @dbus.service.method(MANAGER)
    def Reload(self):
        told.write("reload\n")

class Clock(dbus.service.Object):
    @dbus.service.method("org.freedesktop.timedate1", in_signature="sb")
    def SetTimezone(self, zone, interactive):
        told.write(f"zone {zone}\n")

    @dbus.service.method("org.freedesktop.timedate1", in_signature="xbb")
    def SetTime(self, usec, relative, interactive):
        told.write(f"time {usec} {bool(relative)}\n")

class Login(dbus.service.Object):
    @dbus.service.method("org.freedesktop.login1.Manager", in_signature="b")
    def Reboot(self, interactive):
        told.write("reboot\n")

unit = Unit(bus, "/unit/ssh")
systemd = Systemd(bus, "/org/freedesktop/systemd1")
clock = Clock(bus, "/org/freedesktop/timedate1")
login = Login(bus, "/org/freedesktop/login1")
told.write("ready\n")
GLib.MainLoop().run()
)py";

class SystemServicesTest : public testing::Test {
protected:
    SystemServicesTest() { std::filesystem::create_directories(directory_); }
    ~SystemServicesTest() override {
        for (const pid_t child : children_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    void spawn(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const pid_t child = ::fork();
        if (child == 0) {
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        children_.push_back(child);
    }
    template <class Condition>
    static bool wait(Condition condition) {
        for (int i = 0; i < 200; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }
    std::string told() const {
        std::ifstream file(directory_ / "told");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool start_bus() {
        if (::access("/usr/bin/dbus-daemon", X_OK) != 0 ||
            std::system("/usr/bin/python3 -c 'import dbus, gi' 2>/dev/null") != 0) {
            return false;
        }
        const std::string address = "unix:path=" + (directory_ / "bus").string();
        std::ofstream(directory_ / "bus.conf")
            << "<busconfig><type>system</type><listen>" << address
            << "</listen><auth>EXTERNAL</auth><policy context='default'><allow own='*'/>"
               "<allow send_destination='*'/><allow receive_sender='*'/><allow user='*'/>"
               "</policy></busconfig>";
        std::ofstream(directory_ / "daemons.py") << kDaemons;
        spawn({"dbus-daemon", "--nofork", "--nopidfile", "--config-file",
               (directory_ / "bus.conf").string()});
        if (!wait([&] { return std::filesystem::exists(directory_ / "bus"); })) return false;
        spawn({"/usr/bin/python3", (directory_ / "daemons.py").string(), address,
               (directory_ / "told").string()});
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
        return wait([&] { return told().starts_with("ready"); });
    }

    const std::filesystem::path directory_ =
        std::filesystem::temp_directory_path() / ("drover-bus-" + base::SystemRandom().hex(8));
    std::vector<pid_t> children_;
    Policy policy_;
};

TEST_F(SystemServicesTest, RefusesWhatThePolicyDoesNotGive) {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
    EXPECT_TRUE(list_services(policy_).empty());
    EXPECT_THROW(control_service(policy_, {"ssh.service", "start"}), Refused);
    EXPECT_THROW(set_time_zone(policy_, {"UTC"}), Refused);
    EXPECT_THROW(set_clock(policy_, {1}), Refused);
    EXPECT_THROW(set_time_servers(policy_, {{"a"}}), Refused);
    EXPECT_THROW(power_computer(policy_, {"off"}), Refused);
    policy_.services = {"ssh.service"};
    EXPECT_THROW(control_service(policy_, {"ssh.service", "start"}), BusError);
    EXPECT_THROW(control_service(policy_, {"cron.service", "start"}), Refused);
}

TEST_F(SystemServicesTest, AsksTheSystemsDaemons) {
    if (!start_bus()) GTEST_SKIP() << "needs dbus-daemon, python3-dbus and python3-gi";
    policy_.services = {"ssh.service", "none.service"};
    policy_.controls_system = true;
    EXPECT_THAT(list_services(policy_),
                UnorderedElementsAre(Pair("ssh.service", "inactive disabled")));
    control_service(policy_, {"ssh.service", "start"});
    control_service(policy_, {"ssh.service", "enable"});
    EXPECT_THAT(list_services(policy_),
                UnorderedElementsAre(Pair("ssh.service", "active enabled")));
    set_time_zone(policy_, {"Europe/Berlin"});
    set_clock(policy_, {1234567});
    power_computer(policy_, {"reboot"});
    EXPECT_EQ(told(), "ready\nreload\nzone Europe/Berlin\ntime 1234567 False\nreboot\n");
}

}  // namespace
}  // namespace drover::rootd
