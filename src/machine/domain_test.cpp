#include "machine/domain.hpp"

#include <algorithm>

#include "machine/pinning.hpp"
#include "machine/testing.hpp"

namespace drover::machine {
namespace {

using namespace hypervisor;

DomainFacts test_facts() {
    DomainFacts facts;
    facts.disks["[ds1] web01/web01.vmdk"] = {{"/ds1/web01/web01-flat.raw", ImageFormat::raw}, {}};
    facts.disks["[ds2] web01/data.vmdk"] = {{"/ds2/web01/data.qcow2", ImageFormat::qcow2},
                                            {{"/ds1/base/base-flat.raw", ImageFormat::raw}}};
    facts.files["[ds1] web01/serial.log"] = "/ds1/web01/serial.log";
    facts.bridges["VM Network"] = "br0";
    facts.cpu_mhz = 2000;
    facts.serial_directory = "/run/drover";
    return facts;
}

struct Machine {
    vmx::VmxFile file;
    vim::VirtualMachineConfigInfo config;
    DomainSpec spec(const DomainFacts& facts = test_facts()) const {
        return domain_spec_from_config(config, file, facts);
    }
};

Machine machine_of(vmx::VmxFile file) {
    base::SeededRandom random(3);
    file = adopt(file, test_context(), {}, random);
    return {file, config_from_vmx(file, test_context())};
}

TEST(Domain, IsWhatTheHypervisorAccepts) {
    const auto spec = machine_of(golden("esx_linux.vmx")).spec();
    EXPECT_NO_THROW(validate(spec));
    EXPECT_EQ(spec.uuid.value(), "421a5cd2-1122-3344-5566-778899aabbcc");
    EXPECT_EQ(spec.cpu.vcpus, 4U);
    EXPECT_EQ(spec.cpu.cores_per_socket, 2U);
    EXPECT_EQ(spec.memory_bytes, 4ULL << 30);
    EXPECT_EQ(spec.cpu_tuning.shares, 800U);
    EXPECT_FALSE(spec.cpu_tuning.limit_cores);
    EXPECT_EQ(spec.vnc->port, 5950);
    EXPECT_EQ(spec.vnc->password, "secret");
    EXPECT_TRUE(spec.usb_tablet);
    EXPECT_TRUE(spec.guest_agent);
    ASSERT_EQ(spec.nics.size(), 1U);
    EXPECT_EQ(spec.nics[0].model, NicModel::vmxnet3);
    EXPECT_EQ(spec.nics[0].bridge, "br0");
    ASSERT_EQ(spec.disks.size(), 3U);
    const auto data = std::ranges::find(spec.disks, 1U, &DiskSpec::unit);
    ASSERT_NE(data, spec.disks.end());
    EXPECT_EQ(data->backing_chain.size(), 1U);
    EXPECT_EQ(data->serial,
              "6000c29300001111222233334444"
              "5555");
    EXPECT_EQ(spec.nics[0].boot_index, 1U);
    EXPECT_EQ(data->boot_index, 2U);
}

TEST(Domain, MapsModels) {
    auto file = golden("esx_linux.vmx");
    const auto kind_of = [&](std::string_view model) {
        file.set("scsi0.virtualDev", model);
        const auto spec = machine_of(file).spec();
        const auto found = std::ranges::find_if(spec.controllers, [](const auto& controller) {
            return controller.kind >= ControllerKind::scsi_lsilogic &&
                   controller.kind <= ControllerKind::scsi_virtio;
        });
        return found->kind;
    };
    EXPECT_EQ(kind_of("pvscsi"), ControllerKind::scsi_pvscsi);
    EXPECT_EQ(kind_of("lsilogic"), ControllerKind::scsi_lsisas1068);
    EXPECT_EQ(kind_of("lsisas1068"), ControllerKind::scsi_lsisas1068);
    EXPECT_THROW(kind_of("buslogic"), vim::Fault);
    file.set("drover.paravirtual", "virtio");
    EXPECT_EQ(kind_of("lsilogic"), ControllerKind::scsi_virtio);
    EXPECT_EQ(machine_of(file).spec().nics[0].model, NicModel::virtio);
}

TEST(Domain, StartsADesktopMachine) {
    auto facts = test_facts();
    facts.disks["[ds1] web01/Old XP.vmdk"] = {{"/ds1/web01/xp.raw", ImageFormat::raw}, {}};
    const auto machine = machine_of(golden("workstation.vmx"));
    EXPECT_THROW(machine.spec(facts), vim::Fault) << "its first adapter has no network";
    facts.isolated_bridge = "none0";
    const auto spec = machine.spec(facts);
    EXPECT_NO_THROW(validate(spec));
    EXPECT_EQ(spec.nics[0].model, NicModel::pcnet);
    EXPECT_FALSE(spec.nics[0].link_up);
    EXPECT_FALSE(spec.nics[1].link_up) << "startConnected is FALSE";
    ASSERT_EQ(spec.serial_ports.size(), 1U);
    const std::string socket = "/run/drover/" + spec.uuid.value() + "-1";
    EXPECT_EQ(spec.serial_ports[0].path, socket) << "whatever the pipe is called";
    EXPECT_EQ(serial_endpoint(machine.config, "/run/drover", 1)->path, socket);
    EXPECT_EQ(serial_endpoint(machine.config, "/run/drover", {})->path, socket);
    EXPECT_FALSE(serial_endpoint(machine.config, "/run/drover", 0));
    // No order of its own: disk, CD-ROM, network; an empty floppy drive is no boot device.
    const auto boot = [&](DiskDevice kind) {
        return std::ranges::find(spec.disks, kind, &DiskSpec::device)->boot_index;
    };
    EXPECT_EQ(boot(DiskDevice::disk), 1U);
    EXPECT_EQ(boot(DiskDevice::cdrom), 2U);
    EXPECT_FALSE(boot(DiskDevice::floppy));
    EXPECT_EQ(spec.nics[0].boot_index, 3U);
}

TEST(Domain, LimitsCpu) {
    auto file = golden("esx_linux.vmx");
    file.set("sched.cpu.max", "3000");
    EXPECT_EQ(machine_of(file).spec().cpu_tuning.limit_cores, 1.5);
}

TEST(Domain, RefusesWhatCannotRun) {
    auto facts = test_facts();
    facts.disks.clear();
    EXPECT_THROW(machine_of(golden("esx_linux.vmx")).spec(facts), vim::Fault);
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"firmware", "efi"},
                                            {"nvme0.present", "TRUE"},
                                            {"scsi0:0.mode", "independent-nonpersistent"},
                                            {"RemoteDisplay.vnc.port", "80"},
                                            {"RemoteDisplay.vnc.password", "far too long"}}) {
        auto file = golden("esx_linux.vmx");
        file.set(key, value);
        EXPECT_THROW(machine_of(file).spec(), vim::Fault) << key;
    }
    auto unpinned = machine_of(golden("esx_linux.vmx"));
    unpinned.file.remove_prefix("drover.");
    EXPECT_THROW(unpinned.spec(), vim::Fault);
}

}  // namespace
}  // namespace drover::machine
