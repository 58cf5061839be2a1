#include "machine/connection.hpp"

#include "machine/testing.hpp"

namespace drover::machine {
namespace {

TEST(Connection, ShowsWhatReadingTheFileAgainWouldShow) {
    for (const char* name : {"esx_linux.vmx", "workstation.vmx"}) {
        const auto file = golden(name);
        auto context = test_context();
        const auto off = config_from_vmx(file, context);
        context.connected = {4000, 16000};
        const auto on = config_from_vmx(file, context);
        EXPECT_NE(on, off) << name;
        EXPECT_EQ(with_connections(off, context.connected), on) << name;
        EXPECT_EQ(with_connections(on, {}), off) << name;
    }
}

// Units are told by their keys, in any order and spelling, and only places that exist count.
TEST(Connection, FindsDisksOnHighUnitsAndNoneBeyondTheBus) {
    const auto file = vmx::VmxFile::parse(
                          "scsi0.present = \"TRUE\"\n"
                          "scsi0:15.fileName = \"b.vmdk\"\n"
                          "SCSI0:15.Present = \"TRUE\"\n"
                          "scsi0:2.present = \"TRUE\"\nscsi0:2.fileName = \"a.vmdk\"\n"
                          "scsi0:7.present = \"TRUE\"\nscsi0:7.fileName = \"own.vmdk\"\n"
                          "scsi0:200.present = \"TRUE\"\nscsi0:200.fileName = \"far.vmdk\"\n"
                          "scsi0:x.present = \"TRUE\"\nscsi0:03.present = \"TRUE\"\n")
                          .value();
    const auto names = disk_files(file, test_context());
    EXPECT_EQ(names, (std::vector<std::string>{"[ds1] web01/a.vmdk", "[ds1] web01/b.vmdk"}));
}

}  // namespace
}  // namespace drover::machine
