#pragma once

// The system's own services, asked over D-Bus: systemd, its clock and login daemons. No program is
// run for it.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace drover::rootd {

/// The bus or a daemon on it refuses or is not there; the message says which and why.
class BusError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct UnitState {
    bool is_installed = false;
    bool is_active = false;
    bool is_enabled = false;
};

/// One connection to the system bus. One thread. Every call waits for its answer, at most 25 s, and
/// throws BusError.
class SystemBus {
public:
    SystemBus();
    ~SystemBus();
    SystemBus(const SystemBus&) = delete;
    SystemBus& operator=(const SystemBus&) = delete;

    UnitState unit_state(const std::string& unit);
    /// `method`: StartUnit, StopUnit or RestartUnit. Back when the unit has settled, or after eight
    /// seconds.
    void control_unit(const std::string& method, const std::string& unit);
    void enable_unit(const std::string& unit, bool enabled);

    void set_time_zone(const std::string& zone);
    void set_clock(std::int64_t since_1970_us);
    /// `method`: PowerOff or Reboot.
    void power(const std::string& method);

private:
    class Connection;
    std::string active_state(const std::string& unit);
    std::unique_ptr<Connection> connection_;
};

}  // namespace drover::rootd
