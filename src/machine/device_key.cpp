// Which keys of a .vmx file describe devices. They are the device list's alone: nobody sets them as
// extra configuration.

#include <charconv>
#include <set>
#include <string>

#include "machine/device_place.hpp"
#include "machine/device_vmx.hpp"

namespace drover::machine {
namespace {

using Names = std::set<std::string_view>;

// clang-format off
const Names& controller_names() {
    static const Names names{
        "present", "virtualdev", "sharedbus", "pcislotnumber", "generic.autoconnect"};
    return names;
}

const Names& storage_names() {
    static const Names names{
        "present", "filename", "devicetype", "mode", "writethrough", "sharing", "startconnected",
        "autodetect", "allowguestconnectioncontrol", "clientdevice", "exclusive"};
    return names;
}

const Names& nic_names() {
    static const Names names{
        "present", "virtualdev", "networkname", "addresstype", "address", "generatedaddress",
        "generatedaddressoffset", "wakeonpcktrcv", "uptcompatibility", "externalid",
        "startconnected", "allowguestconnectioncontrol", "pcislotnumber", "dvs.switchid",
        "dvs.portgroupid", "dvs.portid"};
    return names;
}

const Names& port_names() {
    static const Names names{
        "present", "filetype", "filename", "pipe.endpoint", "trynorxloss", "network.endpoint",
        "vspc", "autodetect", "yieldonmsrread", "startconnected", "allowguestconnectioncontrol",
        "clientdevice"};
    return names;
}

// Devices of which a machine has one.
const Names& single_keys() {
    static const Names keys{
        "svga.present", "svga.vramsize", "svga.numdisplays", "svga.autodetect",
        "svga.graphicsmemorykb", "mks.enable3d", "mks.use3drenderer", "vmci0.present", "vmci0.id",
        "vmci0.unrestricted", "vmci0.pcislotnumber", "vmci.filter.enable", "ehci.present",
        "ehci.pcislotnumber"};
    return keys;
}
// clang-format on

// "0", "17"; no leading zero, so that each device has one name only.
bool is_number_below(std::string_view text, int limit) {
    int value = -1;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && stop == text.data() + text.size() && value >= 0 &&
           value < limit && std::to_string(value) == text;
}

// sched.scsi0:1.shares: what a disk may take.
bool is_disk_allocation(std::string_view rest) {
    const auto dot = rest.find('.');
    return rest.contains(':') && dot != std::string_view::npos &&
           (rest.substr(dot) == ".shares" || rest.substr(dot) == ".throughputcap") &&
           is_device_key(std::string(rest.substr(0, dot)) + ".present");
}

// `place` is "0" for a controller, "0:1" for a device at it.
bool is_bus_key(const BusFacts& bus, std::string_view place, std::string_view name) {
    const auto colon = place.find(':');
    if (!is_number_below(place.substr(0, colon), bus.controllers)) return false;
    if (colon == std::string_view::npos) {
        return bus.bus != Bus::ide && controller_names().contains(name);
    }
    return is_number_below(place.substr(colon + 1), bus.units) && storage_names().contains(name);
}

}  // namespace

bool is_device_key(std::string_view key) {
    constexpr std::string_view kSched = "sched.";
    if (key.starts_with(kSched)) return is_disk_allocation(key.substr(kSched.size()));
    if (single_keys().contains(key)) return true;
    const auto dot = key.find('.');
    if (dot == std::string_view::npos) return false;
    const auto prefix = key.substr(0, dot);
    const auto name = key.substr(dot + 1);
    if (prefix == "usb" || prefix == "usb_xhci") return controller_names().contains(name);

    const auto digit = prefix.find_first_of("0123456789");
    if (digit == std::string_view::npos) return false;
    const auto word = prefix.substr(0, digit);
    const auto place = prefix.substr(digit);
    for (const BusFacts& bus : all_buses()) {
        if (word == bus.name && is_bus_key(bus, place, name)) return true;
    }
    if (word == "ethernet") return is_number_below(place, kMaxNics) && nic_names().contains(name);
    if (word == "serial") {
        return is_number_below(place, kMaxSerialPorts) && port_names().contains(name);
    }
    return word == "floppy" && is_number_below(place, kMaxFloppies) && port_names().contains(name);
}

}  // namespace drover::machine
