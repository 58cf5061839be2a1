// Power states and events, on a real libvirtd and QEMU.

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "private_libvirt.hpp"

namespace drover::hypervisor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Power : public HypervisorTest {};

// Turns itself off through the PIIX4's ACPI registers.
const std::vector<unsigned char> poweroff_code{0xBA, 0x04, 0x06, 0xB8, 0x00, 0x20, 0xEF, 0xF4};
// Restarts through the keyboard controller.
const std::vector<unsigned char> reboot_code{0xB0, 0xFE, 0xE6, 0x64, 0xF4};

DiskSpec ide_disk(const std::string& path) {
    DiskSpec disk;
    disk.bus = DiskBus::ide;
    disk.image = DiskImage{path, ImageFormat::raw};
    disk.boot_index = 1;
    return disk;
}

TEST_F(Power, StartsPausesSavesRestoresResetsAndDestroys) {
    EventRecorder events(hypervisor());
    auto spec = tiny();
    spec.display_name = "<hostile> \"name\" & more";
    spec.metadata = {{"vmx", "/vmfs/a & b/\"c\".vmx"}, {"generation", "7"}};
    spec.vnc = VncSpec{};
    spec.video = VideoSpec{.address = PciAddress{0, 2, 0}};
    const std::string image = std::string(PrivateLibvirt::work_directory) + "/memory.save";

    const auto started = hypervisor().start(spec);
    EXPECT_EQ(started.uuid, spec.uuid);
    EXPECT_EQ(started.display_name, spec.display_name);
    EXPECT_EQ(started.state, DomainState::running);
    EXPECT_EQ(started.metadata, spec.metadata);
    EXPECT_GT(started.libvirt_id, 0);
    ASSERT_TRUE(started.vnc_port.has_value());
    EXPECT_GE(*started.vnc_port, 5900);
    EXPECT_EQ(started.vnc_address, "127.0.0.1");

    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto stats = hypervisor().stats();
    ASSERT_EQ(stats.size(), 1U);
    EXPECT_EQ(stats[0].uuid, spec.uuid);
    EXPECT_GT(stats[0].cpu_time_ns, 0U);
    ASSERT_EQ(stats[0].vcpus.size(), 1U);
    EXPECT_GT(stats[0].vcpus[0].time_ns, 0U);
    EXPECT_GT(stats[0].balloon.rss_bytes, 1U << 20);

    hypervisor().pause(spec.uuid);
    hypervisor().pause(spec.uuid);  // harmless
    EXPECT_EQ(hypervisor().find(spec.uuid)->state, DomainState::paused);
    EXPECT_EQ(hypervisor().find(spec.uuid)->paused_reason, PausedReason::user);
    hypervisor().resume(spec.uuid);
    EXPECT_EQ(hypervisor().find(spec.uuid)->state, DomainState::running);

    hypervisor().save(spec.uuid, image);
    EXPECT_FALSE(hypervisor().find(spec.uuid).has_value());
    EXPECT_TRUE(hypervisor().is_save_image_complete(image));
    spec.metadata["generation"] = "8";
    const auto restored = hypervisor().restore(image, spec, InitialState::paused);
    EXPECT_EQ(restored.state, DomainState::paused);
    EXPECT_EQ(restored.metadata, spec.metadata);
    hypervisor().resume(spec.uuid);
    hypervisor().reset(spec.uuid);
    hypervisor().destroy(spec.uuid);
    EXPECT_TRUE(hypervisor().list().empty());
    EXPECT_EQ(error_of([&] { hypervisor().destroy(spec.uuid); }), ErrorKind::not_found);

    const auto destroyed = [&](const Event& event) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        return one && one->stopped_reason == StoppedReason::destroyed;
    };
    ASSERT_TRUE(events.wait(destroyed));
    EXPECT_THAT(events.names(spec.uuid),
                ElementsAre("resumed", "started(booted)", "paused(user)", "resumed", "paused(user)",
                            "stopped(saved)", "started(restored)", "paused(user)", "resumed",
                            "rebooted", "stopped(destroyed)"));
}

TEST_F(Power, ReportsAGuestThatTurnsItselfOff) {
    EventRecorder events(hypervisor());
    auto spec = tiny();
    spec.disks = {
        ide_disk(boot_disk(PrivateLibvirt::work_directory, "off.raw", poweroff_code, 1U << 20))};
    hypervisor().start(spec);
    ASSERT_TRUE(events.wait(is_lifecycle(spec.uuid, LifecycleKind::stopped)));
    EXPECT_THAT(events.names(spec.uuid),
                ElementsAre("resumed", "started(booted)", "shutting_down", "stopped(shutdown)"));
}

TEST_F(Power, ReportsAGuestThatRestarts) {
    EventRecorder events(hypervisor());
    auto spec = tiny();
    spec.disks = {
        ide_disk(boot_disk(PrivateLibvirt::work_directory, "reboot.raw", reboot_code, 1U << 20))};
    hypervisor().start(spec);
    ASSERT_TRUE(events.wait(is_lifecycle(spec.uuid, LifecycleKind::rebooted)));
    EXPECT_TRUE(hypervisor().find(spec.uuid).has_value());
    EXPECT_NO_THROW(hypervisor().shutdown(spec.uuid, GuestRequest::acpi));
    EXPECT_EQ(error_of([&] { hypervisor().shutdown(spec.uuid, GuestRequest::agent); }),
              ErrorKind::agent_unavailable);
    EXPECT_EQ(error_of([&] { hypervisor().guest_info(spec.uuid); }), ErrorKind::agent_unavailable);
    EXPECT_FALSE(hypervisor().agent_ping(spec.uuid));
}

TEST_F(Power, RefusesASecondStartAndAnUnknownMachineType) {
    const auto spec = tiny();
    hypervisor().start(spec);
    EXPECT_EQ(error_of([&] { hypervisor().start(spec); }), ErrorKind::already_running);
    EXPECT_EQ(hypervisor().list().size(), 1U);

    auto other = tiny();
    other.machine_type = "pc-i440fx-99.9";
    std::string message;
    EXPECT_EQ(error_of([&] { hypervisor().start(other); }, &message), ErrorKind::unsupported);
    EXPECT_THAT(message, HasSubstr("pc-i440fx-99.9"));
    other.machine_type = "pc";
    EXPECT_EQ(error_of([&] { hypervisor().start(other); }), ErrorKind::invalid_spec);
}

TEST_F(Power, TellsACompleteSaveImageFromACutOne) {
    const std::string directory = PrivateLibvirt::work_directory;
    const auto spec = tiny();
    hypervisor().start(spec);
    hypervisor().save(spec.uuid, directory + "/whole.save");
    EXPECT_TRUE(hypervisor().is_save_image_complete(directory + "/whole.save"));

    const auto whole = libvirt().outside(directory + "/whole.save");
    const auto cut = libvirt().outside(directory + "/cut.save");
    std::filesystem::copy_file(whole, cut);
    std::filesystem::resize_file(cut, 60);
    EXPECT_FALSE(hypervisor().is_save_image_complete(directory + "/cut.save"));
    // What libvirt writes at the front until the rest is there.
    std::filesystem::copy_file(whole, cut, std::filesystem::copy_options::overwrite_existing);
    std::fstream(cut).write("LibvirtQemudPart", 16);
    EXPECT_FALSE(hypervisor().is_save_image_complete(directory + "/cut.save"));
    std::ofstream(cut) << "something else";
    EXPECT_FALSE(hypervisor().is_save_image_complete(directory + "/cut.save"));
    std::ofstream(cut) << "";
    EXPECT_FALSE(hypervisor().is_save_image_complete(directory + "/cut.save"));
    EXPECT_EQ(error_of([&] { hypervisor().is_save_image_complete(directory + "/no.save"); }),
              ErrorKind::missing_file);
}

TEST_F(Power, DescribesTheHost) {
    const auto info = hypervisor().host_info();
    EXPECT_THAT(info.libvirt_version, HasSubstr("."));
    EXPECT_THAT(info.qemu_version, HasSubstr("."));
    EXPECT_GT(info.memory_bytes, 1U << 20);
    EXPECT_GE(info.logical_cpus, 1U);
    EXPECT_GE(info.cores * info.threads_per_core, info.logical_cpus);
    EXPECT_GT(info.cpu_mhz, 0U);
    EXPECT_FALSE(info.cpu_brand.empty());
    EXPECT_FALSE(info.cpu_model.empty());
    EXPECT_FALSE(info.cpu_features.empty());
    EXPECT_FALSE(info.numa_cells.empty());
    EXPECT_THAT(info.machine_types, ::testing::Contains("pc-i440fx-7.2"));
    EXPECT_THAT(info.default_machine_type, HasSubstr("pc-i440fx-"));
    const auto stats = hypervisor().host_stats();
    EXPECT_GT(stats.cpu_idle_ns + stats.cpu_user_ns, 0U);
    EXPECT_GT(stats.memory_total_bytes, stats.memory_free_bytes);
}

}  // namespace
}  // namespace drover::hypervisor::testing
