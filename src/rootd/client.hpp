#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace drover::rootd {

/// The helper won't or can't do it; the message says why.
class OperationFailed : public std::runtime_error {
public:
    OperationFailed(bool refused, const std::string& reason)
        : std::runtime_error(reason), refused_(refused) {}
    /// True: the request breaks a rule, so asking again is useless. False: the system failed.
    bool refused() const { return refused_; }

private:
    bool refused_;
};

/// No answer: the helper isn't there, the connection broke twice, or the deadline passed.
class Unreachable : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// From the machine's firmware. What it doesn't tell is empty.
struct SystemIdentity {
    std::string uuid;  ///< lower case, with dashes
    std::string serial;
    std::string vendor;
    std::string model;
    std::string bios_version;
    std::string bios_date;  ///< as the firmware spells it, mostly mm/dd/yyyy
};

/// A service of the computer.
struct ServiceState {
    bool is_active = false;
    bool is_enabled = false;  ///< starts with the computer
};

/// Asks drover-rootd. Blocking: call it off the inventory's strand. Thread-safe; calls go one at a
/// time. All operations can be repeated, so a broken connection is made anew once per call.
/// Every call throws OperationFailed or Unreachable.
class Client {
public:
    explicit Client(std::filesystem::path socket,
                    std::chrono::milliseconds deadline = std::chrono::seconds(10));
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Makes a directory a datastore: exists, belongs to `group`, mode 2770.
    void prepare_datastore(const std::filesystem::path& path, const std::string& group);
    /// Hands a regular file in a datastore, left there by QEMU or libvirt, to the helper's peer
    /// user, mode 0660.
    void reclaim(const std::filesystem::path& path);
    void ensure_bridge(const std::string& name, const std::optional<std::string>& uplink = {});
    void remove_bridge(const std::string& name);
    SystemIdentity system_identity();
    std::string version();
    /// How the names of bridges must begin.
    std::string bridge_prefix();

    /// The services of the computer that the helper may control, by their units; only those that
    /// are installed.
    std::map<std::string, ServiceState> services();
    /// `action`: start, stop, restart, enable or disable. Waits until it has happened.
    void control_service(const std::string& unit, const std::string& action);
    void set_time_zone(const std::string& zone);
    void set_clock(std::int64_t since_1970_us);
    void set_time_servers(const std::vector<std::string>& servers);
    /// Whether the clock and the power of this computer may be changed by way of the helper.
    bool controls_system();
    /// `action`: off or reboot.
    void power_computer(const std::string& action);

private:
    class Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace drover::rootd
