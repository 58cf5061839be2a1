#pragma once

// What the helper does as root. Each operation checks for itself that the request is allowed,
// throws Refused if not, and std::system_error if the system can't. All can be repeated, and all
// but bridges can run at once in several threads.

#include <sys/types.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "rootd/request.hpp"

namespace drover::rootd {

/// The request breaks a rule.
class Refused : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Whom the helper serves, and where it may act. Set by the administrator, never by a request.
struct Policy {
    uid_t peer_uid = 0;  ///< the only user, root apart, who may ask
    gid_t peer_gid = 0;
    std::vector<gid_t> peer_groups;  ///< all groups of that user
    std::vector<std::filesystem::path> datastore_roots;
    std::string bridge_prefix = "drv";
    std::filesystem::path dmi_directory = "/sys/class/dmi/id";
    /// Units of systemd that may be started, stopped, enabled and disabled; at most ten.
    std::vector<std::string> services;
    /// Whether this computer's clock, time zone, time servers and power may be changed.
    bool controls_system = false;
    std::filesystem::path configuration_root = "/etc";
};

/// Fills in a user's ids and groups. Throws std::runtime_error if there is no such user.
void set_peer(Policy& policy, const std::string& user);

bool is_peer_group(const Policy& policy, gid_t group);

/// Below a datastore root: makes the directory, gives it to a group of the peer user, mode 2770.
void prepare_datastore(const Policy& policy, const PrepareDatastore& request);

/// Below a datastore root: gives a regular file with one name to the peer user, mode 0660. Its
/// group becomes the directory's if the user is a member of that, else the user's own.
void reclaim(const Policy& policy, const Reclaim& request);

void ensure_bridge(const Policy& policy, const EnsureBridge& request);
void remove_bridge(const Policy& policy, const RemoveBridge& request);

/// The policy's services that are installed: "active enabled", "inactive disabled", ...
Message list_services(const Policy& policy);
void control_service(const Policy& policy, const ControlService& request);
void set_time_zone(const Policy& policy, const SetTimeZone& request);
void set_clock(const Policy& policy, const SetClock& request);
/// Writes the servers into the configuration of chrony or systemd-timesyncd and restarts it.
void set_time_servers(const Policy& policy, const SetTimeServers& request);
void power_computer(const Policy& policy, const PowerComputer& request);

/// uuid, serial, vendor, model, bios_version, bios_date; those that the firmware tells.
Message system_identity(const Policy& policy);

}  // namespace drover::rootd
