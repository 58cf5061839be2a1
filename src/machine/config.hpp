#pragma once

// The machine as its .vmx file has it and as the API shows it, and the way between the two.
//
// The file is the truth; VirtualMachineConfigInfo is read from it, and written back in such a way
// that whatever the API has no word for stays as it was, in its place. A file that is read and
// written back unchanged is the same, byte for byte.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "machine/datastore_file.hpp"
#include "vim/types.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::machine {

enum class Provisioning { thin, thick_lazy, thick_eager };

/// What the caller knows of a virtual disk's file.
struct DiskFacts {
    std::int64_t capacity_bytes = 0;
    Provisioning provisioning = Provisioning::thick_lazy;
    std::string uuid;        ///< lower case with dashes; may be empty
    std::string content_id;  ///< eight hexadecimal digits; may be empty
    std::string parent;      ///< "[datastore] directory/base.vmdk"; empty for a disk of its own
    std::string adapter = "lsilogic";
    std::int64_t used_bytes = 0;  ///< taken on the datastore by its extents
    /// The file that holds the data, in the API's form ("[ds] vm/vm-flat.raw").
    std::string extent_file;

    friend bool operator==(const DiskFacts&, const DiskFacts&) = default;
};

/// By the descriptor's name in the API's form.
using Disks = std::map<std::string, DiskFacts, std::less<>>;

/// What a reader must know besides the file.
struct ReadContext {
    std::string vm_path;  ///< "[datastore] directory/name.vmx"
    Datastores datastores;
    Disks disks;  ///< those that the file names, and their parents
    std::map<std::string, vim::MoRef, std::less<>> networks;  ///< by name
    base::WallTime modified{};           ///< the file's time, unless it says itself
    std::set<std::int32_t> connected{};  ///< keys of removable devices that are connected now
};

/// Everything that clients expect of VirtualMachine.config. Never throws: what is malformed in the
/// file counts as absent, and a disk without facts has no capacity.
vim::VirtualMachineConfigInfo config_from_vmx(const vmx::VmxFile& file, const ReadContext& context);

/// Writes into `file` what in `config` differs from it. Throws std::invalid_argument if a text
/// cannot stand in a .vmx file (reconfigure() checks before).
void apply_to_vmx(vmx::VmxFile& file, const vim::VirtualMachineConfigInfo& config,
                  const Datastores& datastores = {});

/// Notes when the configuration was changed: `modified` and, in other form, `changeVersion`.
void stamp_change(vmx::VmxFile& file, base::WallTime now);

/// A new file. Reading it gives `config` back.
vmx::VmxFile vmx_from_config(const vim::VirtualMachineConfigInfo& config);

/// The names of all files that the machine's disks and drives have, in the API's form: what the
/// caller must look up to fill ReadContext::disks. Parents come with the facts.
std::vector<std::string> disk_files(const vmx::VmxFile& file, const ReadContext& context);

/// True for keys that the configuration shows elsewhere than in extraConfig, or not at all.
bool is_known_key(std::string_view key);

/// True for keys whose values must not be shown: the console's password.
bool is_secret_key(std::string_view key);

/// The part of the file's own directory.
DatastoreFile machine_directory(std::string_view vm_path);

}  // namespace drover::machine
