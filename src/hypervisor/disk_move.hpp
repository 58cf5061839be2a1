#pragma once

// How a disk of a running domain goes from one file of the host to another while the guest uses it.
//
//   begin_disk_move(...)   the content is copied; what the guest writes goes to both files
//   disk_moves(...)        until all that are to go are `ready`: both files are alike, and stay so
//   finish_disk_move(...)  from now on the disk is the new file alone
//
// Which file a disk is on says the engine alone, as long as the domain runs.

#include <cstdint>
#include <string>

namespace drover::hypervisor {

/// Where a disk is, and where it is going.
struct DiskMove {
    std::string target{};            ///< "sda": see disk_target()
    std::string path{};              ///< the file that it is on
    std::string destination_path{};  ///< empty: it is not being moved
    /// Both files have the same content, and every write that the guest is told of is in both.
    bool ready = false;
    std::uint64_t copied_bytes = 0;
    std::uint64_t total_bytes = 0;  ///< may grow: what the guest writes meanwhile is counted
};

}  // namespace drover::hypervisor
