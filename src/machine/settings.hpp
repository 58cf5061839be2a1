#pragma once

// The table of a machine's simple settings: which key of the .vmx file holds which property of
// VirtualMachineConfigInfo, and what its absence means.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vim/types.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::machine {

struct Setting {
    std::string_view key;  ///< in the .vmx file; empty: a fixed property, which no file changes
    std::string_view property;      ///< of VirtualMachineConfigInfo
    std::string_view absent;        ///< the file's text that an absent key stands for
    std::string_view spec = {};     ///< the property of VirtualMachineConfigSpec; empty: the same
    std::string_view words = {};    ///< pairs that file and API spell differently: "file=api,..."
    std::string_view allowed = {};  ///< the API's words, if only these are possible: "bios,efi"
    std::int64_t minimum = INT64_MIN;
    std::int64_t maximum = INT64_MAX;
    bool unset_if_absent = false;  ///< the property is left out when the key is
    bool free = false;             ///< may also be set as an advanced option (extraConfig)
    bool cold = false;             ///< changes only while the machine is off
};

std::span<const Setting> settings();

/// By the file's key in any letter case; nullptr if no setting has it.
const Setting* find_setting(std::string_view key);

/// True if the property may have this value.
bool is_possible(const Setting& setting, const vim::Value& value);

/// The property's value for the file's text; nothing if the text is malformed or not possible.
std::optional<vim::Value> setting_from_text(const Setting& setting, std::string_view text);

/// Reads all settings. A malformed value counts as absent: a machine with a typo in its file must
/// still be seen, and mended, through the API.
vim::VirtualMachineConfigInfo read_settings(const vmx::VmxFile& file);

/// Writes those settings that differ from what the file says.
void write_settings(const vim::VirtualMachineConfigInfo& config, vmx::VmxFile& file);

}  // namespace drover::machine
