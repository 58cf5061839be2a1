#include "cli/arguments.hpp"

#include <gtest/gtest.h>

namespace drover::cli {
namespace {

TEST(Size, ReadsUnitsAsPowersOf1024) {
    EXPECT_EQ(parse_size("memory", "512M"), 512LL << 20);
    EXPECT_EQ(parse_size("memory", "1.5g"), 3LL << 29);
    EXPECT_EQ(parse_size("memory", "10 GiB"), 10LL << 30);
    EXPECT_EQ(parse_size("memory", "2TB"), 2LL << 40);
    EXPECT_EQ(parse_size("memory", "100b"), 100);
}

TEST(Size, RefusesWhatIsAmbiguousOrAbsurd) {
    for (const char* text : {"", "1", "G", "-1G", "1X", "1GG", "0G", "1e9G", "nan", "inf", "0x10G",
                             "99999999999P", "1 0G"}) {
        EXPECT_THROW(parse_size("memory", text), UsageError) << text;
    }
    try {
        parse_size("memory", "512");
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("memory"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("512M"), std::string::npos);
    }
}

TEST(Seconds, ReadsUnits) {
    EXPECT_EQ(parse_seconds("--wait", "90"), 90);
    EXPECT_EQ(parse_seconds("--wait", "5m"), 300);
    EXPECT_EQ(parse_seconds("--wait", "2h"), 7200);
    EXPECT_EQ(parse_seconds("--wait", "0"), 0);
    EXPECT_THROW(parse_seconds("--wait", "soon"), UsageError);
    EXPECT_THROW(parse_seconds("--wait", "5d"), UsageError);
    EXPECT_THROW(parse_seconds("--wait", "999999h"), UsageError);
}

TEST(Disk, ReadsSizeAndKind) {
    EXPECT_EQ(parse_disk("10G").bytes, 10LL << 30);
    EXPECT_EQ(parse_disk("10G").provisioning, Provisioning::thin);
    EXPECT_EQ(parse_disk("1T,THICK").provisioning, Provisioning::thick);
    EXPECT_EQ(parse_disk("1T,eager").provisioning, Provisioning::eager);
    EXPECT_THROW(parse_disk("10G,fat"), UsageError);
    EXPECT_THROW(parse_disk(",thin"), UsageError);
}

TEST(Nic, TakesOnlyKnownWordsOffTheNetworksName) {
    EXPECT_EQ(parse_nic("VM Network").network, "VM Network");
    EXPECT_EQ(parse_nic("VM Network").model, "vmxnet3");
    EXPECT_EQ(parse_nic("A, B").network, "A, B");
    const auto nic = parse_nic("A, B,e1000,00:50:56:0A:0B:0C");
    EXPECT_EQ(nic.network, "A, B");
    EXPECT_EQ(nic.model, "e1000");
    EXPECT_EQ(nic.mac_address, "00:50:56:0a:0b:0c");
    EXPECT_EQ(parse_nic("N,00:50:56:0A:0B:0C,e1000").model, "e1000");
    EXPECT_THROW(parse_nic(""), UsageError);
    EXPECT_THROW(parse_nic(",e1000"), UsageError);
}

TEST(DatastorePathText, ReadsAndWrites) {
    const auto path = parse_datastore_path("[ds 1] a/b.iso");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->datastore, "ds 1");
    EXPECT_EQ(path->path, "a/b.iso");
    EXPECT_EQ(path->to_string(), "[ds 1] a/b.iso");
    EXPECT_EQ(parse_datastore_path("[ds]")->to_string(), "[ds]");
    EXPECT_FALSE(parse_datastore_path("demo"));
    EXPECT_THROW(parse_datastore_path("[ds"), UsageError);
    EXPECT_THROW(parse_datastore_path("[] x"), UsageError);
    EXPECT_THROW(require_datastore_path("iso", "x.iso", ""), UsageError);
    EXPECT_THROW(require_datastore_path("from", "[ds] x.iso", ".vmdk"), UsageError);
    EXPECT_EQ(require_datastore_path("from", "[ds] x.VMDK", ".vmdk").path, "x.VMDK");
}

TEST(BootOrder, ReadsEachDeviceOnce) {
    const std::vector<BootDevice> expected{BootDevice::cdrom, BootDevice::disk,
                                           BootDevice::network};
    EXPECT_EQ(parse_boot_order("cdrom,disk,net"), expected);
    EXPECT_THROW(parse_boot_order(""), UsageError);
    EXPECT_THROW(parse_boot_order("disk,disk"), UsageError);
    EXPECT_THROW(parse_boot_order("disk,usb"), UsageError);
}

}  // namespace
}  // namespace drover::cli
