#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ha/restart/catalogue.hpp"
#include "had/names.hpp"

namespace drover::had {

/// A protected machine, as its host's daemon needs it to start it.
struct ProtectedFile {
    std::string uuid;
    std::string vmx_file;  ///< "directory/file.vmx" on the datastore
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
    ha::Catalogue catalogue{};
    std::vector<ProtectedFile> files{};  ///< of the catalogue's machines, in its order

    std::filesystem::path monitors() const { return run_directory / "monitors"; }
    std::filesystem::path socket() const { return run_directory / "agent.sock"; }
};

/// Throws std::runtime_error that names the file, the field and the reason. Unknown fields are
/// errors: a misspelt one must not be silently without effect.
Config load_config(const std::filesystem::path& file, Names& names);
Config parse_config(const std::string& text, const std::string& source, Names& names);

}  // namespace drover::had
