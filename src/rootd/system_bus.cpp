#include "rootd/system_bus.hpp"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <chrono>
#include <thread>

namespace drover::rootd {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kSystemdPath = "/org/freedesktop/systemd1";
constexpr const char* kSystemdManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kClock = "org.freedesktop.timedate1";
constexpr const char* kClockPath = "/org/freedesktop/timedate1";
constexpr const char* kLogin = "org.freedesktop.login1";
constexpr const char* kLoginPath = "/org/freedesktop/login1";
constexpr const char* kLoginManager = "org.freedesktop.login1.Manager";
constexpr std::chrono::milliseconds kPoll{100};
constexpr int kPolls = 80;

// sd_bus_error with its end.
struct Error {
    Error() = default;
    ~Error() { sd_bus_error_free(&value); }
    Error(const Error&) = delete;
    Error& operator=(const Error&) = delete;
    sd_bus_error value = SD_BUS_ERROR_NULL;
};

struct MessageEnd {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Reply = std::unique_ptr<sd_bus_message, MessageEnd>;

}  // namespace

class SystemBus::Connection {
public:
    Connection() {
        const int status = ::sd_bus_open_system(&bus_);
        if (status < 0) {
            throw BusError(
                fmt::format("the system bus: {}", std::generic_category().message(-status)));
        }
    }
    ~Connection() { ::sd_bus_flush_close_unref(bus_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    template <class... Arguments>
    Reply call(const char* service, const char* path, const char* interface, const char* method,
               const char* types, Arguments... arguments) {
        Error error;
        sd_bus_message* reply = nullptr;
        const int status = ::sd_bus_call_method(bus_, service, path, interface, method,
                                                &error.value, &reply, types, arguments...);
        if (status < 0) throw failure(method, error, status);
        return Reply(reply);
    }

    template <class... Arguments>
    Reply systemd(const char* method, const char* types, Arguments... arguments) {
        return call(kSystemd, kSystemdPath, kSystemdManager, method, types, arguments...);
    }

    std::string text_property(const std::string& path, const char* name) {
        Error error;
        char* text = nullptr;
        const int status = ::sd_bus_get_property_string(bus_, kSystemd, path.c_str(),
                                                        "org.freedesktop.systemd1.Unit", name,
                                                        &error.value, &text);
        if (status < 0) throw failure(name, error, status);
        std::string result(text);
        ::free(text);
        return result;
    }

    static std::string text_of(const Reply& reply, char type) {
        const char* text = nullptr;
        if (::sd_bus_message_read_basic(reply.get(), type, &text) < 0 || text == nullptr) {
            throw BusError("an answer over the bus makes no sense");
        }
        return text;
    }

private:
    static BusError failure(const char* what, const Error& error, int status) {
        return BusError(fmt::format("{}: {}", what,
                                    error.value.message != nullptr
                                        ? std::string(error.value.message)
                                        : std::generic_category().message(-status)));
    }

    sd_bus* bus_ = nullptr;
};

SystemBus::SystemBus() : connection_(std::make_unique<Connection>()) {}
SystemBus::~SystemBus() = default;

std::string SystemBus::active_state(const std::string& unit) {
    const auto reply = connection_->systemd("LoadUnit", "s", unit.c_str());
    return connection_->text_property(Connection::text_of(reply, 'o'), "ActiveState");
}

UnitState SystemBus::unit_state(const std::string& unit) {
    UnitState state;
    std::string file_state;
    try {
        const auto reply = connection_->systemd("GetUnitFileState", "s", unit.c_str());
        file_state = Connection::text_of(reply, 's');
    } catch (const BusError&) {
        return state;  // there is no such unit
    }
    state.is_installed = file_state != "masked";
    state.is_enabled = file_state == "enabled" || file_state == "static" ||
                       file_state == "enabled-runtime" || file_state == "alias";
    const std::string active = active_state(unit);
    state.is_active = active == "active" || active == "reloading" || active == "activating";
    return state;
}

void SystemBus::control_unit(const std::string& method, const std::string& unit) {
    connection_->systemd(method.c_str(), "ss", unit.c_str(), "replace");
    for (int i = 0; i < kPolls; ++i) {
        const std::string state = active_state(unit);
        if (state == "failed" && method != "StopUnit") throw BusError(unit + " has failed");
        const bool stopped = state == "inactive" || state == "failed";
        if (method == "StopUnit" ? stopped : state == "active") return;
        std::this_thread::sleep_for(kPoll);
    }
}

void SystemBus::enable_unit(const std::string& unit, bool enabled) {
    if (enabled) {
        connection_->systemd("EnableUnitFiles", "asbb", 1, unit.c_str(), 0, 1);
    } else {
        connection_->systemd("DisableUnitFiles", "asb", 1, unit.c_str(), 0);
    }
    connection_->systemd("Reload", "");
}

void SystemBus::set_time_zone(const std::string& zone) {
    connection_->call(kClock, kClockPath, kClock, "SetTimezone", "sb", zone.c_str(), 0);
}

void SystemBus::set_clock(std::int64_t since_1970_us) {
    connection_->call(kClock, kClockPath, kClock, "SetTime", "xbb", since_1970_us, 0, 0);
}

void SystemBus::power(const std::string& method) {
    connection_->call(kLogin, kLoginPath, kLoginManager, method.c_str(), "b", 0);
}

}  // namespace drover::rootd
