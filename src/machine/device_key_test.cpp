#include <gtest/gtest.h>

#include <string>

#include "machine/device_vmx.hpp"

namespace drover::machine {
namespace {

TEST(DeviceKey, KnowsTheKeysOfDevices) {
    for (const char* key :
         {"scsi0.present", "scsi3.virtualdev", "scsi0:15.filename", "ide1:1.devicetype",
          "sata0:29.mode", "nvme0:0.sharing", "ethernet9.address", "ethernet0.dvs.portid",
          "serial3.pipe.endpoint", "floppy1.filename", "usb.present", "usb_xhci.pcislotnumber",
          "svga.vramsize", "vmci0.id", "sched.scsi0:1.shares", "sched.ide0:0.throughputcap"}) {
        EXPECT_TRUE(is_device_key(key)) << key;
    }
}

TEST(DeviceKey, LeavesEverythingElseAlone) {
    for (const char* key : {"",
                            ".",
                            "displayname",
                            "guestinfo.a",
                            "scsi.present",
                            "scsi4.present",
                            "scsi0:64.mode",
                            "scsi00.present",
                            "scsi0:01.mode",
                            "scsi-1.present",
                            "scsi0:.mode",
                            "scsi0:0:0.mode",
                            "ide0.present",
                            "ide0:2.filename",
                            "ethernet10.address",
                            "ethernet0:1.address",
                            "ethernet0.dvs",
                            "serial4.filename",
                            "floppy2.filename",
                            "usb1.present",
                            "svga.other",
                            "scsi99999999999999999999.present",
                            "sched.scsi0.shares",
                            "sched.cpu.shares",
                            "sched.scsi0:1.other",
                            "sched.",
                            "sched.sched.scsi0:1.shares",
                            "scsi0.filename"}) {
        EXPECT_FALSE(is_device_key(key)) << key;
    }
}

}  // namespace
}  // namespace drover::machine
