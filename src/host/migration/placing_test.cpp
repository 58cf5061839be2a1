// What the files of a machine are called in a directory of their own.

#include <gtest/gtest.h>

#include "host/migration/arrivals.hpp"

namespace drover::host {
namespace {

vim::DroverMigrationDisk disk(const std::string& setting, const std::string& path) {
    auto made = vim::DroverMigrationDisk::make();
    made.set_setting(setting);
    made.set_path(path);
    return made;
}

vim::DroverMigrationFile file(const std::string& setting, const std::string& datastore,
                              const std::string& path) {
    auto made = vim::DroverMigrationFile::make();
    made.set_setting(setting);
    made.set_datastoreUuid(datastore);
    made.set_path(path);
    return made;
}

vim::DroverMigrationSpec spec() {
    auto made = vim::DroverMigrationSpec::make();
    made.set_datastoreUuid("home");
    made.set_path("vm/vm.vmx");
    return made;
}

TEST(NewNames, DisksOfOneNameAreToldApart) {
    auto made = spec();
    made.set_disk({disk("scsi0:0.fileName", "vm/disk.vmdk"),
                   disk("scsi0:1.fileName", "data/disk.vmdk"),
                   disk("scsi0:2.fileName", "more/disk.vmdk")});
    const auto names = new_names(made);
    EXPECT_EQ(names.at("scsi0:0.fileName"), "disk.vmdk");
    EXPECT_EQ(names.at("scsi0:1.fileName"), "disk_1.vmdk");
    EXPECT_EQ(names.at("scsi0:2.fileName"), "disk_2.vmdk");
}

TEST(NewNames, OnlyFilesBesideTheMachineComeAlong) {
    auto made = spec();
    made.set_file({file("serial0.fileName", "home", "vm/serial.log"),
                   file("ide0:0.fileName", "home", "iso/system.iso"),
                   file("ide0:1.fileName", "elsewhere", "vm/other.iso"),
                   file("", "home", "vm/unnamed.log")});
    const auto names = new_names(made);
    EXPECT_EQ(names.size(), 1u);
    EXPECT_EQ(names.at("serial0.fileName"), "serial.log");
}

TEST(NewNames, APathThatLeadsElsewhereIsRefused) {
    for (const char* path : {"../other/disk.vmdk", "/etc/passwd", ""}) {
        auto made = spec();
        made.set_disk({disk("scsi0:0.fileName", path)});
        EXPECT_THROW(new_names(made), vim::Fault) << path;
    }
}

}  // namespace
}  // namespace drover::host
