// What happens when things break: full file systems, locked disks, a daemon that dies or hangs.

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "hypervisor/libvirt/libvirt_hypervisor.hpp"
#include "private_libvirt.hpp"

namespace drover::hypervisor::testing {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;

class Failure : public HypervisorTest {
protected:
    static DiskSpec ide_disk(const std::string& path) {
        DiskSpec disk;
        disk.bus = DiskBus::ide;
        disk.image = DiskImage{path, ImageFormat::raw};
        disk.boot_index = 1;
        return disk;
    }
};

TEST_F(Failure, DomainsSurviveTheDaemonsDeath) {
    EventRecorder events(hypervisor());
    auto spec = tiny();
    spec.metadata = {{"vmx", "/a/b.vmx"}};
    const auto before = hypervisor().start(spec);

    libvirt().daemon("kill");
    ASSERT_TRUE(events.wait(is_connection(false)));
    EXPECT_EQ(error_of([&] { hypervisor().list(); }), ErrorKind::unavailable);
    const auto mark = events.count();
    libvirt().daemon("start");
    ASSERT_TRUE(events.wait(is_connection(true), mark));

    // The daemon takes a moment to find its QEMUs again; whoever lists then sees the domain.
    const auto after = hypervisor().find(spec.uuid);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->libvirt_id, before.libvirt_id);
    EXPECT_EQ(after->metadata, spec.metadata);
    EXPECT_NO_THROW(hypervisor().destroy(spec.uuid)) << libvirt().daemon_log();
    EXPECT_TRUE(events.wait(is_lifecycle(spec.uuid, LifecycleKind::stopped), mark));
}

TEST_F(Failure, ConnectsToADaemonThatComesLater) {
    libvirt().daemon("kill");
    LibvirtOptions options;
    options.uri = libvirt().uri();
    const auto late = make_libvirt_hypervisor(options);
    EventRecorder events(*late);
    ASSERT_TRUE(events.wait(is_connection(false)));
    EXPECT_EQ(error_of([&] { late->list(); }), ErrorKind::unavailable);
    libvirt().daemon("start");
    EXPECT_TRUE(events.wait(is_connection(true)));
    EXPECT_NO_THROW(late->list());
    EventRecorder own(hypervisor());
    EXPECT_TRUE(own.wait(is_connection(true)));
}

TEST_F(Failure, NoCallHangsOnAFrozenDaemon) {
    LibvirtOptions options;
    options.uri = libvirt().uri();
    options.keepalive_interval = std::chrono::seconds(1);
    const auto one = make_libvirt_hypervisor(options);
    EventRecorder events(*one);
    one->list();
    libvirt().daemon("freeze");
    const auto start = steady_clock::now();
    const auto kind = error_of([&] { one->list(); });
    const auto waited = steady_clock::now() - start;
    const bool lost = events.wait(is_connection(false));
    libvirt().daemon("thaw");
    EXPECT_EQ(kind, ErrorKind::unavailable);
    EXPECT_LT(waited, std::chrono::seconds(10));
    EXPECT_TRUE(lost);
    EXPECT_TRUE(events.wait(is_connection(true), 2));
    EventRecorder own(hypervisor());
    EXPECT_TRUE(own.wait(is_connection(true)));
}

TEST_F(Failure, TwoDomainsCannotWriteOneDisk) {
    const auto path = boot_disk(PrivateLibvirt::work_directory, "shared.raw", {0xF4}, 1U << 20);
    auto first = tiny();
    first.disks = {ide_disk(path)};
    auto second = tiny();
    second.disks = {ide_disk(path)};
    hypervisor().start(first);
    std::string message;
    EXPECT_EQ(error_of([&] { hypervisor().start(second); }, &message), ErrorKind::device_in_use);
    EXPECT_THAT(message, HasSubstr("lock"));
    EXPECT_EQ(hypervisor().list().size(), 1U);
}

TEST_F(Failure, NamesAMissingDisk) {
    auto spec = tiny();
    spec.disks = {ide_disk("/run/work/not-there.raw")};
    std::string message;
    EXPECT_EQ(error_of([&] { hypervisor().start(spec); }, &message), ErrorKind::missing_file);
    EXPECT_THAT(message, HasSubstr("not-there.raw"));
}

TEST_F(Failure, TooMuchMemoryIsItsOwnError) {
    auto spec = tiny();
    spec.memory_bytes = 1ULL << 43;
    std::string message;
    EXPECT_EQ(error_of([&] { hypervisor().start(spec); }, &message), ErrorKind::insufficient_memory)
        << message;
}

TEST_F(Failure, AFullDatastorePausesTheMachine) {
    // Writes 32 KiB pieces up its own disk for ever, with the BIOS's extended write.
    const std::vector<unsigned char> writer{
        0x31, 0xC0, 0x8E, 0xD8, 0xBE, 0x20, 0x7C, 0xB4, 0x43, 0xB0, 0x00, 0xB2, 0x80, 0xCD,
        0x13, 0x83, 0x06, 0x28, 0x7C, 0x40, 0xEB, 0xEE, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0x10, 0,    0x40, 0,    0,    0x7E, 0,    0,    1};
    const std::string directory = PrivateLibvirt::small_directory;
    const auto filler = libvirt().outside(directory + "/filler");
    std::ofstream(filler) << std::string(4U << 20, 'x');
    EventRecorder events(hypervisor());
    auto spec = tiny();
    spec.disks = {ide_disk(boot_disk(directory, "full.raw", writer, 64U << 20))};
    hypervisor().start(spec);

    ASSERT_TRUE(events.wait(is_lifecycle(spec.uuid, LifecycleKind::paused)));
    EXPECT_TRUE(events.wait([&](const Event& event) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        return one && one->paused_reason == PausedReason::io_error &&
               one->io_error == IoErrorReason::no_space &&
               one->io_error_path == directory + "/full.raw";
    }));
    const auto info = hypervisor().find(spec.uuid);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->state, DomainState::paused);
    EXPECT_EQ(info->paused_reason, PausedReason::io_error);
    EXPECT_EQ(info->io_error, IoErrorReason::no_space);

    const auto written = hypervisor().stats().at(0).disks.at(0).write_bytes;
    EXPECT_GT(written, 1U << 20);
    std::filesystem::remove(filler);
    hypervisor().resume(spec.uuid);
    EXPECT_TRUE(events.wait(is_lifecycle(spec.uuid, LifecycleKind::resumed)));
    bool goes_on = false;
    for (int i = 0; i < 100 && !goes_on; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        goes_on = hypervisor().stats().at(0).disks.at(0).write_bytes > written + (1U << 20);
    }
    EXPECT_TRUE(goes_on);
    hypervisor().destroy(spec.uuid);
    std::filesystem::remove(libvirt().outside(directory + "/full.raw"));
}

TEST_F(Failure, AFailedSaveLeavesTheDomainRunning) {
    const std::string directory = PrivateLibvirt::small_directory;
    const auto filler = libvirt().outside(directory + "/filler");
    std::ofstream(filler) << std::string(8U << 20, 'x');
    const auto spec = tiny();
    hypervisor().start(spec);
    std::string message;
    const auto kind =
        error_of([&] { hypervisor().save(spec.uuid, directory + "/memory.save"); }, &message);
    EXPECT_EQ(kind, ErrorKind::no_space) << message;
    EXPECT_EQ(hypervisor().find(spec.uuid)->state, DomainState::running);
    std::filesystem::remove(filler);
}

}  // namespace
}  // namespace drover::hypervisor::testing
