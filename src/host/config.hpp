#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/simulated/simulation.hpp"

namespace drover::host {

/// What drover-hostd is told at its start. Everything else lives in its store and on the
/// datastores.
struct Config {
    struct Datastore {
        std::string name;
        std::filesystem::path path;  ///< an absolute directory
    };
    struct Network {
        std::string name;    ///< as machines name it: "VM Network"
        std::string bridge;  ///< the host's Linux bridge
    };

    std::filesystem::path state_directory;
    std::string libvirt_uri = "qemu:///system";
    /// Set: nothing runs for real. See docs/how-to/simulate-a-host.md.
    std::optional<Simulation> simulation;
    std::string rootd_socket;  ///< empty: no root helper, and nothing that needs it
    std::string host_name;
    std::string host_uuid;           ///< empty: the hardware's, or one made at first start
    std::string management_address;  ///< numeric; where clients reach this host
    /// Numeric; where other hosts send machines. Empty: the management address.
    std::string migration_address;
    /// Where QEMU finds this host's migration certificates (MigrationIdentity). Empty: beside the
    /// state directory, named as that with "-migration" at its end. If it is not there, machines
    /// that run neither come nor go, unless they are simulated.
    std::filesystem::path migration_identity_directory;
    /// Where to listen if no socket was handed over (systemd's protocol).
    std::uint16_t listen_port = 443;
    std::string listen_address = "0.0.0.0";  ///< numeric
    /// The built web client. Empty: beside the program, at ../share/drover/web.
    std::filesystem::path web_directory;
    /// What the host may use of the machine it runs on; unset: all of it.
    std::optional<double> cpu_cores;
    std::optional<std::uint64_t> memory_bytes;
    std::string cgroup_partition;  ///< parent cgroup of the machines; empty: libvirt's default
    /// How much of the past is kept: events and tasks that are neither older nor too many.
    std::uint32_t history_days = 30;
    std::uint32_t history_events = 100'000;
    std::uint32_t history_tasks = 20'000;
    std::vector<Datastore> datastores;
    std::vector<Network> networks;
    /// drover-had's; empty: this host protects no machines.
    std::string ha_socket;
};

/// Reads the JSON file. Throws std::runtime_error that names the file, the field and the reason.
/// Unknown fields are errors: a misspelt one must not be silently without effect.
Config load_config(const std::filesystem::path& file);

/// The same from text; `source` stands in messages.
Config parse_config(const std::string& text, const std::string& source);

}  // namespace drover::host
