#pragma once

// What belongs to a machine on its datastore besides its disks.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/machines/machines.hpp"
#include "storage/datastore.hpp"

namespace drover::host {

/// Deleting is repeated after a crash: what is gone already is no error.
void delete_if_there(const std::function<void()>& work);

/// The names of the files in a .vmx file's directory that are its machine's by their own names, the
/// .vmx file included. Foreign files are not. Blocks; nothing if there is no such directory.
std::vector<std::string> files_of_machine(storage::Datastore& store,
                                          const storage::DatastorePath& vmx);

/// Removes those but for `kept`, the machine's lease, and the directory if nothing is left in it.
/// Blocks.
void delete_files(storage::Datastore& store, const storage::DatastorePath& vmx,
                  const std::vector<std::string>& kept = {});

/// Makes a disk of the machine. On another datastore than the machine's own, in a directory of the
/// same name, that directory is made with the first disk. Blocks; what fails leaves nothing.
void create_disk_of_machine(storage::Datastore& store, const storage::DatastorePath& disk,
                            const storage::DatastorePath& vmx, const storage::DiskSpec& spec,
                            const storage::CopyControl& control);
/// Such a directory goes with the last disk; nothing is done for a disk anywhere else. Blocks.
void remove_disk_folder(storage::Datastore& store, const storage::DatastorePath& disk,
                        const storage::DatastorePath& vmx);

/// Files in the machine's own directory that its serial ports write.
std::vector<std::string> serial_logs_of(const Machine& machine);

}  // namespace drover::host
