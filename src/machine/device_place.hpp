#pragma once

// Where a device sits, in the words of the API (controller key, unit, device key) and of the .vmx
// file ("scsi0:1"). The numbers are VMware's: clients hard-code several of them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vim/types.hpp"

namespace drover::machine {

inline constexpr std::int32_t kPciKey = 100;
inline constexpr std::int32_t kIdeKey = 200;
inline constexpr std::int32_t kPs2Key = 300;
inline constexpr std::int32_t kSioKey = 400;
inline constexpr std::int32_t kVideoKey = 500;
inline constexpr std::int32_t kKeyboardKey = 600;
inline constexpr std::int32_t kPointingKey = 700;
inline constexpr std::int32_t kScsiKey = 1000;
inline constexpr std::int32_t kEthernetKey = 4000;
inline constexpr std::int32_t kUsbKey = 7000;
inline constexpr std::int32_t kFloppyKey = 8000;
inline constexpr std::int32_t kSerialKey = 9000;
inline constexpr std::int32_t kVmciKey = 12000;
inline constexpr std::int32_t kXhciKey = 14000;
inline constexpr std::int32_t kSataKey = 15000;
inline constexpr std::int32_t kNvmeKey = 31000;

inline constexpr std::int32_t kMaxNics = 10;
inline constexpr std::int32_t kMaxSerialPorts = 4;
inline constexpr std::int32_t kMaxFloppies = 2;

/// The buses that disks and CD-ROM drives sit on.
enum class Bus { ide, scsi, sata, nvme };

struct BusFacts {
    Bus bus;
    std::string_view name;        ///< in the .vmx file
    std::int32_t controller_key;  ///< of controller 0
    std::int32_t controllers;     ///< how many there may be
    std::int32_t units;           ///< on each; the model may have fewer
};
const BusFacts& facts_of(Bus bus);
const std::vector<BusFacts>& all_buses();

/// A place for a disk or a drive.
struct Place {
    Bus bus{};
    std::int32_t controller = 0;
    std::int32_t unit = 0;

    /// "scsi0:1"
    std::string prefix() const;
    std::int32_t controller_key() const;
    /// Disks and drives at the same place would have the same key; only one can be there.
    std::int32_t device_key() const;

    friend auto operator<=>(const Place&, const Place&) = default;
};

/// The bus and number of a controller's key; nothing if no disk or drive can sit on it.
std::optional<Place> controller_place(std::int32_t controller_key);

/// How many units this controller has: 16 on SCSI (64 on the paravirtual one), 30 on SATA, ...
/// Nothing but disks and CD-ROM drives is counted; SCSI's unit 7 is the controller's own.
std::int32_t units_of(const vim::VirtualController& controller);

/// The .vmx file's name of a device: "scsi0:1", "ethernet0", "serial0", "scsi0", "usb", ... Empty
/// for what every machine has and no file mentions.
std::string vmx_prefix(const vim::VirtualDevice& device);

/// Puts devices into VMware's order and fills in what follows from the whole: labels, summaries
/// and the controllers' lists of devices.
std::vector<vim::VirtualDevice> arranged(std::vector<vim::VirtualDevice> devices);

}  // namespace drover::machine
