#pragma once

// Which files must not be touched because a machine runs on them.

#include <functional>
#include <string>
#include <vector>

#include "host/machines/machine.hpp"
#include "storage/datastore.hpp"

namespace drover::host::files {

using MachineList = std::function<std::vector<std::shared_ptr<Machine>>()>;

/// Knows the machines of this host. Belongs to the strand. A file is held if a running machine has
/// it among its devices or disks (parents included), or if it is one of the machine's own: those in
/// its directory whose name begins with the .vmx file's. A directory is held if something in it is.
/// Everything throws FileLocked that names the file and the machine.
class InUse {
public:
    explicit InUse(MachineList machines) : machines_(std::move(machines)) {}

    /// For a file or directory that is going to be replaced, moved or removed.
    void check_changeable(const storage::DatastorePath& path) const;
    /// For a file whose content is going to be read as a whole: a disk that is written meanwhile
    /// has none. Its parents, which nobody writes, may be read.
    void check_readable(const storage::DatastorePath& path) const;
    /// For a disk that is going to change: no disk of a registered machine, running or not, may be
    /// based on it.
    void check_childless(const storage::DatastorePath& disk) const;

private:
    MachineList machines_;
};

/// True for `path` itself and for everything below it.
bool covers(const storage::DatastorePath& path, const storage::DatastorePath& other);

/// Refuses (StorageError, `locked`) what belongs to a machine that another host holds the lease of:
/// the machine's own files, and any directory with such a machine in it. `own_host` is the uuid of
/// this host, whose machines InUse knows. Blocks.
void refuse_leased(storage::Datastore& store, const base::Clock& clock,
                   const storage::DatastorePath& path, const std::string& own_host);

}  // namespace drover::host::files
