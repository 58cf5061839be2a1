#pragma once

// A backup of a center is one file: the databases as they were at one moment, certificate, key and
// settings. All of this blocks, for as long as it takes to read and write the databases.

#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "center/config.hpp"

namespace drover::center {

/// Why there is no backup, or why a file is none that can be restored. Nothing was changed.
class BackupError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct BackupFacts {
    std::string made;     ///< "2026-03-01T12:00:00Z"
    std::string product;  ///< the version of drover that made it
    std::string name;     ///< of the center
    std::string instance_uuid;
    bool has_figures = false;
};

/// Writes the backup of a running center into the new file `target` (mode 0600). The databases are
/// each consistent; the inventory is read last, so that whatever it names has its past with it.
/// `with_figures` adds performance.db, which may be large. Throws BackupError.
void write_backup(const Config& config, const std::string& instance_uuid, base::WallTime now,
                  bool with_figures, const std::filesystem::path& target);

/// Checks a backup as a whole (format, checksums, databases, certificate) and lays it ready for
/// take_up_restore(). One that was laid ready before and not taken up is replaced. Throws
/// BackupError.
BackupFacts stage_restore(const std::filesystem::path& backup,
                          const std::filesystem::path& state_directory);

/// Puts what stage_restore() has laid ready in the place of the center's files; nothing, if there
/// is nothing. Before the store is opened. Cut off at any moment, the next call goes on. Throws
/// std::system_error or BackupError.
void take_up_restore(const std::filesystem::path& state_directory, base::WallTime now);

}  // namespace drover::center
