#include "host/storage_system/block_devices.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "host/host_system/simulated_host.hpp"
#include "host/storage_system/storage_view.hpp"
#include "store/temporary_directory.hpp"

namespace drover::host {
namespace {

namespace fs = std::filesystem;

// A /sys with two disks on one adapter, one on none, and things that are no disks.
class BlockDevicesTest : public testing::Test {
protected:
    BlockDevicesTest() {
        fs::create_directories(sys / "block");
        const fs::path adapter = "devices/pci0000:00/0000:00:05.0";
        fs::create_directories(sys / "bus/pci/devices");
        fs::create_directories(sys / adapter);
        fs::create_symlink(sys / adapter, sys / "bus/pci/devices/0000:00:05.0");
        fs::create_symlink("../../../drivers/virtio-pci", sys / adapter / "driver");
        add("vda", adapter / "virtio1/block/vda", "2048");
        add("vdb", adapter / "virtio2/block/vdb", "4096");
        write("block/vda/device/model", "Disk \n");
        write("block/vda/serial", "ABC 1\n");
        add("sda", "devices/platform/block/sda", "1024");
        write("block/sda/queue/rotational", "1");
        add("sr0", "devices/platform/block/sr0", "0");
        fs::create_directories(sys / "block/loop0");
        write("block/loop0/size", "100");
    }
    void add(const std::string& name, const fs::path& at, const std::string& sectors) {
        fs::create_directories(sys / at / "device");
        fs::create_directories(sys / at / "queue");
        fs::create_symlink(sys / at, sys / "block" / name);
        write(fs::path("block") / name / "size", sectors + "\n");
    }
    void write(const fs::path& at, const std::string& text) {
        base::write_file_atomically(sys / at, text);
    }

    store::TemporaryDirectory directory;
    const fs::path sys = directory.path();
};

TEST_F(BlockDevicesTest, FindsDisksAndTheirAdapters) {
    const auto found = read_block_devices(sys);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].name, "sda");
    EXPECT_TRUE(found[0].is_rotational);
    EXPECT_EQ(found[0].pci_address, "");
    EXPECT_EQ(found[1].name, "vda");
    EXPECT_EQ(found[1].size_bytes, 2048u * 512);
    EXPECT_EQ(found[1].model, "Disk");
    EXPECT_EQ(found[1].serial, "ABC 1");
    EXPECT_EQ(found[1].pci_address, "0000:00:05.0");
    EXPECT_EQ(found[1].driver, "virtio-pci");
    EXPECT_TRUE(read_block_devices("/nowhere").empty());
}

TEST_F(BlockDevicesTest, AreShownWhole) {
    const auto shown = make_storage_devices(read_block_devices(sys));
    EXPECT_TRUE(simulated::missing_in(shown).empty());
    EXPECT_EQ(shown.hostBusAdapter().size(), 2u);
    ASSERT_EQ(shown.scsiLun().size(), 3u);
    EXPECT_EQ(shown.scsiLun()[1].canonicalName(), "t10.Disk_ABC_1");
    EXPECT_EQ(shown.scsiLun()[0].canonicalName(), "local.sda");
}

}  // namespace
}  // namespace drover::host
