#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ha/response/vm_monitoring.hpp"
#include "ha/restart/catalogue.hpp"
#include "had/names.hpp"

namespace drover::had {

/// A protected machine, as its host's daemon needs it to start it.
struct ProtectedFile {
    std::string uuid;
    std::string vmx_file;     ///< "directory/file.vmx" on the datastore
    std::string datastore{};  ///< UUID of one of the others; empty: where hosts watch each other
};

/// A datastore with protected machines on which hosts don't watch each other.
struct OtherDatastore {
    std::string uuid;
    std::string name;  ///< as hosts call it
    std::filesystem::path path;
};

/// The etcd of the cluster: which hosts run it, and who may speak to it. Another list of members is
/// another etcd, with another token; nothing in it is worth keeping.
struct EtcdConfig {
    struct Member {
        std::string host{};     ///< its UUID
        std::string address{};  ///< numeric
        bool operator==(const Member&) const = default;
    };
    std::string token{};
    std::uint16_t client_port = 0;
    std::uint16_t peer_port = 0;
    std::vector<Member> members{};
    std::string authorities{};          ///< the certificates of all hosts, PEM
    std::filesystem::path identity{};   ///< certificate.pem and key.pem of this host
    std::filesystem::path directory{};  ///< for this host's member
    bool operator==(const EtcdConfig&) const = default;
};

/// What the program is told at its start. README.md says what the fields mean.
struct Config {
    std::string host;       ///< its UUID, as its host agent has it
    std::string host_name;  ///< for people
    std::string datastore;
    std::filesystem::path datastore_path;
    std::filesystem::path run_directory = "/run/drover/ha";
    std::string user = "drover";                ///< of the agent and of drover-hostd
    std::string machine_user = "libvirt-qemu";  ///< of the machines' processes
    std::vector<std::string> reset{};           ///< a command; empty: reboot(2)
    std::filesystem::path watchdog{};
    std::filesystem::path etcd_program = "/usr/bin/etcd";
    std::optional<EtcdConfig> etcd{};  ///< none: hosts watch each other on the datastore alone
    /// Where the host's daemon writes what is protected; empty: the file itself says that too.
    std::filesystem::path generated{};
    ha::Catalogue catalogue{};
    std::vector<ProtectedFile> files{};  ///< of the catalogue's machines, in its order
    std::vector<OtherDatastore> others{};
    /// How hosts call the datastore of the file.
    const std::string& datastore_of(const ProtectedFile& file) const;
    /// Those whose guests are monitored, by UUID: the host's daemon does that.
    std::map<std::string, ha::VmMonitoringSettings> monitored{};
    /// Those that are reset when their storage is back after long: likewise.
    std::set<std::string> reset_when_storage_is_back{};

    std::filesystem::path monitors() const { return run_directory / "monitors"; }
    std::filesystem::path socket() const { return run_directory / "agent.sock"; }
};

/// Throws std::runtime_error that names the file, the field and the reason. Unknown fields are
/// errors: a misspelt one must not be silently without effect. What is protected comes from the
/// generated file, if the administrator's file names one.
Config load_config(const std::filesystem::path& file, Names& names);
/// The administrator's file alone.
Config parse_config(const std::string& text, const std::string& source, Names& names);

/// The same from its file, whether or not there is a generated one.
Config load_administrator_config(const std::filesystem::path& file);

/// The generated file: who this host is, and what is protected. Nothing in it can make a process of
/// root do more than the administrator's file allows. Throws like the others.
void parse_protection(const std::string& text, const std::string& source, Names& names,
                      Config& config);

/// Whether it is said what is to be protected: false while the generated file is not there. Throws
/// if the administrator's file is wrong.
bool has_protection(const std::filesystem::path& file);

}  // namespace drover::had
