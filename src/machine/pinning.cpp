#include "machine/pinning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "machine/device_place.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using hypervisor::PciAddress;

constexpr std::uint8_t kFirstFreeSlot = 6;
constexpr std::uint8_t kLastSlot = 31;
constexpr std::string_view kTypeKey = "drover.machineType";

struct FixedAddress {
    std::string_view device;
    std::uint8_t slot;
};
constexpr FixedAddress kAlwaysThere[] = {
    {"svga", 2}, {"virtioSerial", 3}, {"balloon", 4}, {"rng", 5}};

std::string key_of(std::string_view device) {
    return fmt::format("drover.{}.pciAddress", device);
}

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// "00:06.0" and nothing else.
std::optional<PciAddress> parse_address(std::string_view text) {
    if (text.size() != 7 || text[2] != ':' || text[5] != '.') return std::nullopt;
    for (const std::size_t i : {0U, 1U, 3U, 4U, 6U}) {
        if (hex(text[i]) < 0) return std::nullopt;
    }
    const int bus = hex(text[0]) * 16 + hex(text[1]);
    const int slot = hex(text[3]) * 16 + hex(text[4]);
    if (bus != 0 || slot > kLastSlot || hex(text[6]) > 7) return std::nullopt;
    return PciAddress{0, static_cast<std::uint8_t>(slot), static_cast<std::uint8_t>(hex(text[6]))};
}

std::string to_text(const PciAddress& address) {
    return fmt::format("{:02x}:{:02x}.{}", address.bus, address.slot, address.function);
}

// The devices that take a slot of their own, in the order in which they get theirs.
std::vector<std::string> slot_devices(const vmx::VmxFile& file,
                                      const std::vector<vim::VirtualDevice>& devices) {
    std::vector<std::tuple<std::int64_t, int, std::string>> found;
    int order = 0;
    const auto add = [&](const std::string& name) {
        const auto number = file.get_integer(name + ".pciSlotNumber", 0, 1 << 20);
        found.emplace_back(number.value_or(INT64_MAX), order++, name);
    };
    for (const auto& device : devices) {
        const auto usb = device.as<vim::VirtualUSBController>();
        if (usb && usb.ehciEnabled().value_or(false)) add("ehci");
        const bool disk_controller =
            device.is<vim::VirtualController>() && controller_place(device.key()).has_value();
        const std::string name = vmx_prefix(device);
        if (!name.empty() && (disk_controller || device.is<vim::VirtualUSBXHCIController>() ||
                              device.is<vim::VirtualEthernetCard>())) {
            add(name);
        }
    }
    std::ranges::sort(found);
    std::vector<std::string> names;
    for (auto& [number, position, name] : found) names.push_back(std::move(name));
    return names;
}

}  // namespace

std::optional<PciAddress> pinned_address(const vmx::VmxFile& file, std::string_view device) {
    const auto text = file.get(key_of(device));
    return text ? parse_address(vmx::lower_case(*text)) : std::nullopt;
}

std::string pinned_machine_type(const vmx::VmxFile& file) {
    return file.get(kTypeKey).value_or("");
}

void pin_hardware(vmx::VmxFile& file, const std::vector<vim::VirtualDevice>& devices,
                  std::string_view machine_type) {
    if (pinned_machine_type(file).empty()) file.set(kTypeKey, machine_type);
    for (const auto& [device, slot] : kAlwaysThere) {
        if (!pinned_address(file, device)) file.set(key_of(device), to_text({0, slot, 0}));
    }
    const bool usb = std::ranges::any_of(devices, [](const auto& device) {
        return device.template is<vim::VirtualUSBController>();
    });
    if (usb && !pinned_address(file, "usb")) file.set(key_of("usb"), to_text({0, 1, 2}));

    const auto names = slot_devices(file, devices);
    std::set<std::uint8_t> taken;
    std::set<std::string> settled;
    for (const FixedAddress& fixed : kAlwaysThere) {
        taken.insert(pinned_address(file, fixed.device)->slot);
    }
    for (const auto& name : names) {
        const auto address = pinned_address(file, name);
        // A slot that two devices claim goes to the first of them.
        if (address && address->slot > 1 && taken.insert(address->slot).second) {
            settled.insert(name);
        }
    }
    for (const auto& name : names) {
        if (settled.contains(name)) continue;
        std::uint8_t slot = kFirstFreeSlot;
        while (slot <= kLastSlot && taken.contains(slot)) ++slot;
        if (slot > kLastSlot) return;  // domain_spec() reports the device without an address
        taken.insert(slot);
        file.set(key_of(name), to_text({0, slot, 0}));
        if (!file.contains(name + ".pciSlotNumber")) {
            file.set_integer(name + ".pciSlotNumber", slot);
        }
    }
}

}  // namespace drover::machine
