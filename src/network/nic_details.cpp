#include "network/nic_details.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <new>
#include <system_error>

#include "base/file.hpp"

namespace drover::network {
namespace {

bool ask_ethtool(int socket, const std::string& interface, void* command) {
    ifreq request{};
    if (interface.size() >= sizeof request.ifr_name) return false;
    std::memcpy(request.ifr_name, interface.data(), interface.size());
    request.ifr_data = static_cast<char*>(command);
    return ::ioctl(socket, SIOCETHTOOL, &request) == 0;
}

std::string bounded(const char* text, std::size_t limit) {
    return {text, ::strnlen(text, limit)};
}

void add_driver(PhysicalNic& nic, int socket) {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    if (!ask_ethtool(socket, nic.name, &info)) return;
    nic.driver = bounded(info.driver, sizeof info.driver);
    const std::string bus = bounded(info.bus_info, sizeof info.bus_info);
    if (is_pci_address(bus)) nic.pci_address = bus;
}

// The first call asks with no room for the link modes; the kernel answers with the size it needs.
void add_speed(PhysicalNic& nic, int socket) {
    constexpr std::size_t kModesBytes = 3 * 127 * sizeof(std::uint32_t);
    alignas(ethtool_link_settings) std::byte room[sizeof(ethtool_link_settings) + kModesBytes]{};
    auto* settings = ::new (room) ethtool_link_settings{};
    settings->cmd = ETHTOOL_GLINKSETTINGS;
    if (!ask_ethtool(socket, nic.name, settings) || settings->link_mode_masks_nwords >= 0) return;
    settings->link_mode_masks_nwords = static_cast<std::int8_t>(-settings->link_mode_masks_nwords);
    settings->cmd = ETHTOOL_GLINKSETTINGS;
    if (!ask_ethtool(socket, nic.name, settings)) return;
    const std::uint32_t speed = settings->speed;
    if (!nic.link_up || speed == 0 || speed == static_cast<std::uint32_t>(SPEED_UNKNOWN)) return;
    nic.speed_mbit = speed;
    nic.full_duplex = settings->duplex == DUPLEX_FULL;
}

std::optional<std::uint16_t> read_hexadecimal(const std::filesystem::path& path) {
    try {
        std::string text = base::read_file(path, 64);
        if (!text.starts_with("0x")) return std::nullopt;
        std::uint16_t value = 0;
        const auto [end, error] =
            std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
        if (error != std::errc{} || end == text.data() + 2) return std::nullopt;
        return value;
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

}  // namespace

bool is_pci_address(std::string_view text) {
    constexpr std::string_view kShape = "xxxx:xx:xx.x";
    if (text.size() != kShape.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool fits = kShape[i] == 'x' ? std::isxdigit(static_cast<unsigned char>(text[i])) != 0
                                           : text[i] == kShape[i];
        if (!fits) return false;
    }
    return true;
}

void add_pci_ids(PhysicalNic& nic, const std::filesystem::path& sys_root) {
    if (!is_pci_address(nic.pci_address)) return;
    auto device = sys_root / "bus/pci/devices" / nic.pci_address;
    nic.pci_vendor = read_hexadecimal(device / "vendor");
    nic.pci_device = read_hexadecimal(device / "device");
}

void add_nic_details(PhysicalNic& nic, const std::filesystem::path& sys_root) {
    const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    add_driver(nic, socket.get());
    add_speed(nic, socket.get());
    // A virtio NIC names its virtio bus; the PCI function is the device above.
    if (nic.pci_address.empty()) {
        ethtool_drvinfo info{};
        info.cmd = ETHTOOL_GDRVINFO;
        if (ask_ethtool(socket.get(), nic.name, &info)) {
            const std::string bus = bounded(info.bus_info, sizeof info.bus_info);
            std::error_code ignored;
            const auto device = std::filesystem::canonical(
                sys_root / "bus/virtio/devices" / std::filesystem::path(bus).filename(), ignored);
            const std::string parent = device.parent_path().filename();
            if (!bus.empty() && is_pci_address(parent)) nic.pci_address = parent;
        }
    }
    add_pci_ids(nic, sys_root);
}

}  // namespace drover::network
