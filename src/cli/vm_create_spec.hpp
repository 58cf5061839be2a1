#pragma once

// The specification of a new machine, from what the user said. No I/O.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "vim/types.hpp"

namespace drover::cli {

/// The disk that a linked clone stands on.
struct BaseDisk {
    DatastorePath file;
    std::int64_t capacity_bytes = 0;  ///< 0: unknown, left to the server
};

struct NewMachine {
    std::string name;
    std::string datastore;
    std::int32_t cpus = 1;
    std::int64_t memory_bytes = 0;
    std::string guest_id = "otherGuest64";
    std::string firmware = "bios";  ///< bios or efi
    std::string notes;
    std::optional<BaseDisk> base;
    std::vector<DiskArgument> disks;
    std::vector<NicArgument> nics;
    std::vector<std::string> isos;
    std::vector<std::string> serial_ports;
};

/// Throws UsageError for what no machine can have.
vim::VirtualMachineConfigSpec make_spec(const NewMachine& machine);

/// "bios" or "efi" for what users say; throws UsageError.
std::string parse_firmware(std::string_view text);

}  // namespace drover::cli
