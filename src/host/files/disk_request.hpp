#pragma once

// How requests describe disks.

#include <optional>
#include <string>
#include <string_view>

#include "storage/volumes.hpp"
#include "vim/types.hpp"

namespace drover::host::files {

/// "thin", "thick", "preallocated", "eagerZeroedThick". InvalidArgument (spec.diskType) for others.
storage::Provisioning provisioning_of(std::string_view disk_type, std::string_view argument);

/// "lsilogic" for "lsiLogic". InvalidArgument that names `argument` if there is no such adapter.
std::string adapter_of(std::string_view adapter_type, std::string_view argument);

/// What to create. InvalidArgument names the field; NotSupported for disks that are no files.
storage::DiskSpec disk_spec_of(const vim::VirtualDiskSpec& spec);

/// In bytes; InvalidArgument that names `argument` unless it is from 1 KiB to 2^52 sectors.
std::uint64_t capacity_of(std::int64_t capacity_kb, std::string_view argument);

/// Any spelling of a uuid in the descriptor's: "60 00 c2 9a 11 22 33 44-55 66 77 88 99 aa bb cc".
std::string disk_uuid_of(std::string_view uuid);

/// The uuid, in the same form, of a disk whose descriptor has none (made by other tools): always
/// the same for a path. Clients use it as the disk's key and can't do without.
std::string disk_uuid_of_path(std::string_view path);

}  // namespace drover::host::files
