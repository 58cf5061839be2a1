#pragma once

// What a relocation is to do, as its steps know it. Only they include this.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/machines/disk_plan.hpp"
#include "host/machines/machine_rules.hpp"
#include "host/machines/relocate.hpp"
#include "host/references.hpp"
#include "machine/datastore_file.hpp"
#include "vim/relocation_types.hpp"

namespace drover::host {

inline constexpr std::string_view kRelocateSaga = "vm.relocate";
/// The end of a relocation whose machine runs.
inline constexpr std::string_view kRelocateRestSaga = "vm.relocate.rest";

/// Where what is to go.
struct RelocationWish {
    std::string home;                          ///< datastore of the .vmx file; empty: it stays
    std::map<std::string, std::string> disks;  ///< disk to datastore

    bool is_empty() const { return home.empty() && disks.empty(); }
};

/// Everything that the steps need, now and after a crash.
struct RelocationPlan {
    struct Disk {
        storage::DatastorePath from;
        storage::DatastorePath to;
        bool flatten = false;   ///< it has a parent: its copy is made whole beside it, then goes
        std::string setting{};  ///< the key of the .vmx file that names it
        std::string target{};   ///< the engine's name for it
        std::string file{};     ///< its data, as the engine opens it; of a running machine
    };

    std::string id;
    bool is_template = false;
    std::string pool;
    storage::DatastorePath from;                      ///< of the .vmx file
    storage::DatastorePath to;                        ///< the same where only disks go
    std::vector<storage::DatastorePath> directories;  ///< to be made
    std::vector<Disk> disks;
    std::vector<std::string> logs;    ///< of serial ports, in the machine's own directory
    std::vector<std::string> kept{};  ///< likewise, but a running machine writes them: they stay
    /// The name of the firmware's variables, which a running machine's engine has open and copies.
    std::string nvram{};
    std::string vmx_text;

    bool moves_home() const { return from != to; }
    std::string to_text() const;
    static RelocationPlan from_text(const std::string& text);
};

/// Files besides disks that a .vmx file names by their bare name and that stay where they are, are
/// named in full; `logs` go along.
void keep_files_elsewhere(const Machine& machine, const std::vector<std::string>& logs,
                          const machine::DatastoreFile& directory, vmx::VmxFile& file);

}  // namespace drover::host
