#include "vmx/disk_descriptor.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "vmx/sparse_header.hpp"

namespace drover::vmx {
namespace {

constexpr std::string_view kSample =
    "# Disk DescriptorFile\r\nversion=3\r\nencoding=\"UTF-8\"\r\nCID=fb183c20\r\n"
    "parentCID=ffffffff\r\nisNativeSnapshot=\"no\"\r\ncreateType=\"vmfs\"\r\n\r\n"
    "# Extent description\r\nRW 16777216 VMFS \"demo-flat.vmdk\"\r\n\r\n"
    "# The Disk Data Base\r\n#DDB\r\n\r\nddb.adapterType = \"lsilogic\"\r\n"
    "ddb.geometry.cylinders = \"1044\"\r\nddb.thinProvisioned = \"1\"\r\n";

std::string reason(std::string_view text) {
    const auto parsed = DiskDescriptor::parse(text);
    return parsed ? std::string("accepted") : parsed.error().message();
}

TEST(DiskDescriptor, ReadsWhatVmwareWrites) {
    const auto disk = DiskDescriptor::parse(kSample);
    ASSERT_TRUE(disk) << disk.error().message();
    EXPECT_EQ(disk->version, 3u);
    EXPECT_EQ(disk->content_id, 0xfb183c20u);
    EXPECT_FALSE(disk->has_parent());
    EXPECT_EQ(disk->capacity_sectors(), 16777216u);
    EXPECT_EQ(disk->extents.front().file_name, "demo-flat.vmdk");
    EXPECT_EQ(disk->find("DDB.ADAPTERTYPE"), "lsilogic");
    EXPECT_TRUE(disk->thin_provisioned());
    EXPECT_EQ(disk->format(), DiskFormat::raw);
    EXPECT_EQ(disk->others.size(), 1u);
    EXPECT_EQ(DiskDescriptor::parse(disk->to_string()), *disk);
}

TEST(DiskDescriptor, RunsOnlyWhatItUnderstandsInPlace) {
    const auto format = [](std::string_view extents) {
        const auto disk = DiskDescriptor::parse(
            "version=1\nCID=1\nparentCID=ffffffff\ncreateType=\"x\"\n" + std::string(extents));
        return disk ? disk->format() : std::unexpected(disk.error().message());
    };
    EXPECT_EQ(format("RW 8 FLAT \"a-flat.vmdk\" 0\n"), DiskFormat::raw);
    EXPECT_EQ(format("RW 8 VMFS \"a.raw\"\ndrover.format = \"qcow2\"\n"), DiskFormat::qcow2);
    EXPECT_FALSE(format("RW 8 FLAT \"a-flat.vmdk\" 63\n"));
    EXPECT_FALSE(format("RW 8 SPARSE \"a-s001.vmdk\"\n"));
    EXPECT_FALSE(format("RW 8 FLAT \"a\" 0\nRW 8 FLAT \"b\" 0\n"));
    EXPECT_FALSE(format("RW 8 ZERO\n"));
    EXPECT_FALSE(format("RW 8 VMFS \"a.raw\"\ndrover.format = \"vhdx\"\n"));
}

TEST(DiskDescriptor, NamesLineAndReasonOfWhatItRefuses) {
    EXPECT_EQ(reason(""), "version: the field is missing");
    EXPECT_EQ(reason("version=1\nversion=1\n"), "line 2: version: the key is defined twice");
    EXPECT_EQ(reason("version=x\n"), "line 1: version: is no number");
    EXPECT_EQ(reason("CID=123456789\n"), "line 1: CID: is no number");
    EXPECT_EQ(reason("RW -1 FLAT \"a\"\n"),
              "line 1: the extent's size is no possible number of sectors");
    EXPECT_EQ(reason("RW 8 FLAT\n"), "line 1: the extent has no file name");
    EXPECT_EQ(reason("RW 8 FLAT a\n"), "line 1: the extent's file name is not in quotation marks");
    EXPECT_EQ(reason("RW 8 FLAT \"a\" b\n"), "line 1: the extent's offset is no number");
    EXPECT_EQ(reason("RW 4503599627370496 ZERO\nRW 1 ZERO\n"),
              "line 2: the extents together are too large");
    EXPECT_EQ(reason("hello\n"), "line 1: the line is no entry");
    EXPECT_EQ(reason("KDMV...."), "this is a binary sparse disk, not a descriptor");
    EXPECT_EQ(reason(std::string(DiskDescriptor::kMaxFileBytes + 1, 'x')),
              "the descriptor is longer than 256 KiB");
}

TEST(DiskDescriptor, TellsTextFromBinary) {
    EXPECT_EQ(identify_disk_file(kSample), DiskFileKind::descriptor);
    EXPECT_EQ(identify_disk_file(std::string("KDMV") + std::string(508, '\0')),
              DiskFileKind::sparse_binary);
    EXPECT_EQ(identify_disk_file("# Disk DescriptorFile\nCID=1\n" + std::string(400, '\0')),
              DiskFileKind::descriptor);
    EXPECT_EQ(identify_disk_file("COWD"), DiskFileKind::cow_binary);
    EXPECT_EQ(identify_disk_file(std::string(512, '\0')), DiskFileKind::unknown);
    EXPECT_EQ(identify_disk_file(""), DiskFileKind::unknown);
}

TEST(DiskGeometry, IsTheOneVmwareWrites) {
    constexpr std::uint64_t kGib = std::uint64_t{1} << 21;
    EXPECT_EQ(disk_geometry(8 * kGib, "lsilogic"), (DiskGeometry{1044, 255, 63}));
    EXPECT_EQ(disk_geometry(40 * kGib, "pvscsi"), (DiskGeometry{5221, 255, 63}));
    EXPECT_EQ(disk_geometry(kGib / 2, "buslogic"), (DiskGeometry{512, 64, 32}));
    EXPECT_EQ(disk_geometry(kGib * 3 / 2, "lsilogic"), (DiskGeometry{768, 128, 32}));
    EXPECT_EQ(disk_geometry(4 * kGib, "ide"), (DiskGeometry{8322, 16, 63}));
    EXPECT_EQ(disk_geometry(100 * kGib, "ide"), (DiskGeometry{16383, 16, 63}));
    EXPECT_EQ(disk_geometry(1, "ide").cylinders, 1u);
}

TEST(SparseHeader, RefusesWhatWouldOpenOtherFiles) {
    std::string bytes(512, '\0');
    bytes.replace(0, 4, "KDMV");
    bytes[4] = 1;
    EXPECT_FALSE(SparseHeader::parse(bytes));  // capacity 0
    bytes[13] = 8;                             // 2048 sectors
    bytes[20] = '\x80';                        // grains of 64 KiB
    bytes[28] = 1;
    bytes[36] = 20;
    const auto header = SparseHeader::parse(bytes);
    ASSERT_TRUE(header) << header.error();
    EXPECT_EQ(header->capacity_sectors, 2048u);
    EXPECT_EQ(header->descriptor_offset_bytes, 512u);
    EXPECT_FALSE(SparseHeader::parse(bytes.substr(0, 511)));

    const std::string head = "version=1\nCID=1\ncreateType=\"monolithicSparse\"\n";
    EXPECT_TRUE(check_embedded_descriptor(head + "RW 2048 SPARSE \"a.vmdk\"\n"));
    EXPECT_FALSE(check_embedded_descriptor(head + "RW 2048 FLAT \"/etc/shadow\" 0\n"));
    EXPECT_FALSE(check_embedded_descriptor(head + "RW 2048 SPARSE \"a.vmdk\"\n" +
                                           "parentCID=1\nparentFileNameHint=\"b.vmdk\"\n"));
}

RC_GTEST_PROP(DiskDescriptorProperty, WrittenIsReadBack,
              (std::uint32_t version, std::uint32_t id, std::uint32_t parent)) {
    DiskDescriptor disk;
    disk.version = version;
    disk.content_id = id;
    disk.parent_content_id = parent;
    const auto name = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab c.-='#")));
    disk.parent_file_name_hint = *name;
    const auto count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) {
        DiskExtent extent;
        extent.access = *rc::gen::element(ExtentAccess::read_write, ExtentAccess::read_only,
                                          ExtentAccess::no_access);
        extent.size_sectors = *rc::gen::inRange<std::uint64_t>(0, 1u << 31);
        extent.type = *rc::gen::element<std::string>("FLAT", "VMFS", "SPARSE", "VMFSSPARSE");
        extent.file_name = *name;
        if (*rc::gen::arbitrary<bool>()) extent.offset_sectors = *rc::gen::inRange(0, 100);
        disk.extents.push_back(extent);
    }
    disk.set("drover.format", "raw");
    disk.set_adapter("ide");
    const auto again = DiskDescriptor::parse(disk.to_string());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == disk);
}

RC_GTEST_PROP(DiskDescriptorProperty, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
    const auto disk = DiskDescriptor::parse(bytes);
    if (!disk) return;
    const auto again = DiskDescriptor::parse(disk->to_string());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == *disk);
}

}  // namespace
}  // namespace drover::vmx
