#include "host/storage_system/block_devices.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/file.hpp"
#include "network/nic_details.hpp"

namespace drover::host {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kTextLimitBytes = 4096;
constexpr std::size_t kMostDevices = 1024;
constexpr std::uint64_t kSysSectorBytes = 512;  // whatever the disk's own blocks are

std::string text_of(const fs::path& path) {
    std::string text;
    try {
        text = base::read_file(path, kTextLimitBytes);
    } catch (const std::exception&) {
        return {};
    }
    std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string::npos) return {};
    return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::uint64_t number_of(const fs::path& path) {
    const std::string text = text_of(path);
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// The last PCI address on the way to the device is its adapter's.
void find_adapter(BlockDevice& device, const fs::path& real, const fs::path& sys) {
    for (const fs::path& part : real) {
        if (network::is_pci_address(part.string())) device.pci_address = part.string();
    }
    if (device.pci_address.empty()) return;
    std::error_code ignored;
    const auto driver =
        fs::read_symlink(sys / "bus/pci/devices" / device.pci_address / "driver", ignored);
    device.driver = driver.filename().string();
}

bool is_disk(const fs::path& directory) {
    std::error_code ignored;
    return fs::exists(directory / "device", ignored) && number_of(directory / "size") > 0;
}

}  // namespace

std::vector<BlockDevice> read_block_devices(const fs::path& sys) {
    std::vector<BlockDevice> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(sys / "block", ignored)) {
        if (found.size() == kMostDevices) break;
        const fs::path& directory = entry.path();
        if (!is_disk(directory)) continue;
        BlockDevice device;
        device.name = directory.filename().string();
        device.size_bytes = number_of(directory / "size") * kSysSectorBytes;
        const auto block = number_of(directory / "queue/logical_block_size");
        if (block >= 512 && block <= (1u << 20)) {
            device.block_bytes = static_cast<std::uint32_t>(block);
        }
        device.vendor = text_of(directory / "device/vendor");
        device.model = text_of(directory / "device/model");
        device.revision = text_of(directory / "device/rev");
        if (device.revision.empty()) device.revision = text_of(directory / "device/firmware_rev");
        device.serial = text_of(directory / "serial");
        if (device.serial.empty()) device.serial = text_of(directory / "device/serial");
        device.is_rotational = number_of(directory / "queue/rotational") == 1;
        device.is_removable = number_of(directory / "removable") == 1;
        find_adapter(device, fs::weakly_canonical(directory, ignored), sys);
        found.push_back(std::move(device));
    }
    std::ranges::sort(found, {}, &BlockDevice::name);
    return found;
}

}  // namespace drover::host
