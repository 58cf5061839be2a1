// Live migration between two libvirtds, each in namespaces of its own, joined by a cable.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "http/private_authority.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"
#include "private_libvirt.hpp"
#include "socket_relay.hpp"

namespace drover::hypervisor::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Counts as fast as its clock ticks (18 times a second): writes the count into each page from 2 MiB
// to 16 MiB and then, with its own first sector, to the second sector of its disk.
const std::vector<unsigned char> counting_code{
    0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x70, 0xFB, 0xE4, 0x92,
    0x0C, 0x02, 0xE6, 0x92, 0xFA, 0x1E, 0x0F, 0x01, 0x16, 0x74, 0x7C, 0x0F, 0x20, 0xC0, 0x0C,
    0x01, 0x0F, 0x22, 0xC0, 0xBB, 0x08, 0x00, 0x8E, 0xE3, 0x24, 0xFE, 0x0F, 0x22, 0xC0, 0x31,
    0xDB, 0x8E, 0xE3, 0x1F, 0x66, 0xFF, 0x06, 0x7C, 0x7C, 0x66, 0xA1, 0x7C, 0x7C, 0x66, 0xBE,
    0x00, 0x00, 0x20, 0x00, 0x64, 0x67, 0x66, 0x89, 0x06, 0x66, 0x81, 0xC6, 0x00, 0x10, 0x00,
    0x00, 0x66, 0x3B, 0x36, 0x80, 0x7C, 0x72, 0xED, 0xFB, 0xBE, 0x84, 0x7C, 0xB4, 0x43, 0x30,
    0xC0, 0xB2, 0x80, 0xCD, 0x13, 0xF4, 0xEB, 0xB1, 0x66, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x92, 0xCF, 0x00, 0x0F, 0x00, 0x64, 0x7C,
    0x00, 0x00, 0x66, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x10, 0x00, 0x01,
    0x00, 0x00, 0x7C, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
constexpr std::streamoff count_offset = 512 + 0x7C;
constexpr std::uint64_t slow_bytes_per_s = 4U << 20;  // less than the guest writes
constexpr const char* here_name = "here.migrate.drover.internal";
constexpr const char* there_name = "there.migrate.drover.internal";

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
}

// What the migrating QEMUs of one host show, and whom they believe.
void install(PrivateLibvirt& host, const http::TlsIdentity& leaf, const std::string& authorities) {
    for (const char* role : {"server", "client"}) {
        write_text(host.outside(fmt::format("/run/tls/{}-cert.pem", role)), leaf.certificate_pem);
        write_text(host.outside(fmt::format("/run/tls/{}-key.pem", role)), leaf.key_pem);
    }
    write_text(host.outside("/run/tls/ca-cert.pem"), authorities);
}

struct TwoHosts {
    PrivateLibvirt here{};
    PrivateLibvirt there{};
    fs::path shared{};  ///< a directory that both see
    http::PrivateAuthority here_identity = http::make_private_authority(here_name);
    http::PrivateAuthority there_identity = http::make_private_authority(there_name);

    TwoHosts() {
        std::string name = "/tmp/drover-migration-XXXXXX";
        shared = ::mkdtemp(name.data());
        const auto cable = fmt::format("dm{}", here.process());
        run(fmt::format("ip link add {0}a netns {1} type veth peer name {0}b netns {2}", cable,
                        here.process(), there.process()));
        for (const auto& [process, end, address] :
             {std::tuple{here.process(), 'a', "10.77.0.1"}, {there.process(), 'b', "10.77.0.2"}})
            run(
                fmt::format("nsenter -n -t {0} sh -c 'ip addr add {1}/24 dev {2}{3}; "
                            "ip link set {2}{3} up'",
                            process, address, cable, end));
        trust_each_other();
    }
    ~TwoHosts() { fs::remove_all(shared); }

    void trust_each_other() {
        const auto both = here_identity.authority_pem + there_identity.authority_pem;
        install(here, here_identity.leaf, both);
        install(there, there_identity.leaf, both);
    }
};

class Migration : public ::testing::Test {
protected:
    static TwoHosts& hosts() {
        static TwoHosts two;
        return two;
    }

    void SetUp() override {
        if (const auto reason = PrivateLibvirt::missing(); !reason.empty()) GTEST_SKIP() << reason;
        here_ = open(hosts().here);
        there_ = open(hosts().there);
        relay_ = std::make_unique<SocketRelay>(hosts().shared / "relay.sock",
                                               hosts().there.outside("/run/libvirt/libvirt-sock"));
        here_events_ = std::make_unique<EventRecorder>(*here_);
        there_events_ = std::make_unique<EventRecorder>(*there_);
    }
    void TearDown() override {
        if (!here_ || !there_) return;
        for (auto* one : {here_.get(), there_.get()})
            for (const auto& domain : one->list()) one->destroy(domain.uuid);
        hosts().trust_each_other();
    }

    static std::unique_ptr<Hypervisor> open(PrivateLibvirt& libvirt) {
        LibvirtOptions options;
        options.uri = libvirt.uri();
        auto hypervisor = make_libvirt_hypervisor(options);
        EventRecorder events(*hypervisor);
        if (!events.wait(is_connection(true))) throw std::runtime_error(libvirt.daemon_log());
        return hypervisor;
    }

    fs::path make_disk(const std::string& directory, bool empty = false) const {
        const auto path = hosts().shared / directory / "counter.raw";
        fs::create_directories(path.parent_path());
        std::vector<char> sector(512);
        std::ranges::copy(counting_code, sector.begin());
        sector[510] = 0x55;
        sector[511] = static_cast<char>(0xAA);
        std::ofstream file(path, std::ios::binary);
        if (!empty) file.write(sector.data(), 512);
        file.close();
        fs::resize_file(path, 16U << 20);
        return path;
    }

    /// A running guest that counts on a disk in this shared directory.
    DomainSpec start(const std::string& directory) {
        static int number = 0;
        DomainSpec spec;
        spec.uuid = DomainUuid(fmt::format("5647d6f0-0000-4000-8000-{:012}", ++number));
        spec.display_name = "counter";
        spec.machine_type = "pc-i440fx-7.2";
        spec.memory_bytes = 64U << 20;
        spec.cgroup_partition = hosts().here.partition();
        spec.metadata = {{"generation", "1"}};
        spec.nics = {{.mac = "00:50:56:00:00:01", .bridge = PrivateLibvirt::bridge}};
        spec.vnc = VncSpec{.password = "secret"};
        spec.video = VideoSpec{};
        disk_ = make_disk(directory);
        DiskSpec disk;
        disk.bus = DiskBus::ide;
        disk.image = DiskImage{disk_, ImageFormat::raw};
        disk.boot_index = 1;
        spec.disks = {disk};
        here_->start(spec);
        EXPECT_TRUE(counts(disk_));
        return spec;
    }

    static std::uint32_t count(const fs::path& disk) {
        std::uint32_t value = 0;
        std::ifstream file(disk, std::ios::binary);
        file.seekg(count_offset).read(reinterpret_cast<char*>(&value), sizeof value);
        return value;
    }
    static bool counts(const fs::path& disk) {
        const auto before = count(disk);
        for (int i = 0; i < 200; ++i) {
            if (count(disk) > before + 1) return true;
            std::this_thread::sleep_for(milliseconds(50));
        }
        return false;
    }

    MigrationSpec to_there() const {
        MigrationSpec spec;
        spec.destination_socket = hosts().shared / "relay.sock";
        spec.destination_address = "10.77.0.2";
        spec.tls_name = there_name;
        spec.cgroup_partition = hosts().there.partition();
        spec.post_copy = false;
        return spec;
    }
    std::future<MigrationResult> begin(const DomainUuid& uuid, const MigrationSpec& spec) {
        return std::async(std::launch::async, [=, this] { return here_->migrate(uuid, spec); });
    }
    bool wait_for(const DomainUuid& uuid, const std::function<bool(const MigrationProgress&)>& is) {
        for (const auto until = steady_clock::now() + seconds(60); steady_clock::now() < until;
             std::this_thread::sleep_for(milliseconds(50))) {
            const auto progress = here_->migration_progress(uuid);
            if (progress && is(*progress)) return true;
        }
        return false;
    }
    static bool copies_memory(const MigrationProgress& progress) {
        return progress.phase == MigrationPhase::copying_memory && progress.transferred_bytes > 0;
    }
    ErrorKind failure(const DomainUuid& uuid, const MigrationSpec& spec) {
        message_.clear();
        return error_of([&] { here_->migrate(uuid, spec); }, &message_);
    }
    void expect_here(const DomainUuid& uuid, const fs::path& disk) {
        const auto info = here_->find(uuid);
        ASSERT_TRUE(info.has_value()) << message_;
        EXPECT_EQ(info->state, DomainState::running);
        EXPECT_TRUE(counts(disk));
        for (int i = 0; i < 100 && there_->find(uuid); ++i)
            std::this_thread::sleep_for(milliseconds(50));
        EXPECT_FALSE(there_->find(uuid).has_value());
    }

    std::unique_ptr<Hypervisor> here_{};
    std::unique_ptr<Hypervisor> there_{};
    std::unique_ptr<SocketRelay> relay_{};
    std::unique_ptr<EventRecorder> here_events_{};
    std::unique_ptr<EventRecorder> there_events_{};
    fs::path disk_{};
    std::string message_{};
};

TEST_F(Migration, MovesAndGoesOn) {
    const auto guest = start("a");
    auto spec = to_there();
    spec.metadata = {{"generation", "2"}, {"vmx", "<&>"}};
    const auto before = count(disk_);
    const auto result = here_->migrate(guest.uuid, spec);

    EXPECT_FALSE(here_->find(guest.uuid).has_value());
    const auto info = there_->find(guest.uuid);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->state, DomainState::running);
    EXPECT_EQ(info->metadata, spec.metadata);
    EXPECT_EQ(info->display_name, "counter");
    EXPECT_TRUE(counts(disk_));
    EXPECT_GE(count(disk_), before);
    EXPECT_FALSE(here_->migration_progress(guest.uuid).has_value());

    EXPECT_GT(result.total.count(), 0);
    ASSERT_TRUE(result.downtime.has_value());
    EXPECT_LT(*result.downtime, seconds(20));
    EXPECT_GT(result.transferred_bytes, 1U << 20);
    EXPECT_GT(result.memory_bytes, 64U << 20);
    RecordProperty("total_ms", static_cast<int>(result.total.count()));
    RecordProperty("downtime_ms", static_cast<int>(result.downtime->count()));

    const auto moved_in = [&](const Event& event) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        return one && one->uuid == guest.uuid && one->kind == LifecycleKind::resumed &&
               one->resumed_reason == ResumedReason::migrated;
    };
    EXPECT_TRUE(there_events_->wait(moved_in));
    EXPECT_THAT(there_events_->names(guest.uuid), Contains("started(migrated)"));
    EXPECT_TRUE(here_events_->wait(is_lifecycle(guest.uuid, LifecycleKind::stopped)));
    EXPECT_THAT(here_events_->names(guest.uuid), Contains("stopped(migrated)"));
}

TEST_F(Migration, ShowsProgressAndCanBeCancelled) {
    const auto guest = start("b");
    auto spec = to_there();
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    auto going = begin(guest.uuid, spec);
    ASSERT_TRUE(wait_for(guest.uuid, copies_memory));
    const auto first = here_->migration_progress(guest.uuid).value();
    EXPECT_GT(first.memory_total_bytes, 64U << 20);
    EXPECT_TRUE(wait_for(guest.uuid, [&](const MigrationProgress& now) {
        return now.transferred_bytes > first.transferred_bytes && now.elapsed > first.elapsed;
    }));
    EXPECT_EQ(error_of([&] { here_->migrate(guest.uuid, spec); }), ErrorKind::invalid_state);
    here_->cancel_migration(guest.uuid);
    EXPECT_EQ(error_of([&] { going.get(); }, &message_), ErrorKind::cancelled) << message_;
    expect_here(guest.uuid, disk_);
    here_->cancel_migration(guest.uuid);  // harmless

    // And it can move all the same.
    EXPECT_NO_THROW(here_->migrate(guest.uuid, to_there()));
    EXPECT_TRUE(counts(disk_));
}

TEST_F(Migration, CancelsBeforeItHasBegun) {
    const auto guest = start("c");
    auto spec = to_there();
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    auto going = begin(guest.uuid, spec);
    while (!here_->migration_progress(guest.uuid)) std::this_thread::yield();
    here_->cancel_migration(guest.uuid);
    EXPECT_EQ(error_of([&] { going.get(); }, &message_), ErrorKind::cancelled) << message_;
    expect_here(guest.uuid, disk_);
}

TEST_F(Migration, StaysWhenTheOtherDaemonDies) {
    const auto guest = start("d");
    auto spec = to_there();
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    auto going = begin(guest.uuid, spec);
    ASSERT_TRUE(wait_for(guest.uuid, copies_memory));
    const auto mark = there_events_->count();
    hosts().there.daemon("kill");
    EXPECT_EQ(error_of([&] { going.get(); }, &message_), ErrorKind::peer_unreachable) << message_;
    hosts().there.daemon("start");
    ASSERT_TRUE(there_events_->wait(is_connection(true), mark));
    expect_here(guest.uuid, disk_);
}

TEST_F(Migration, StaysWhenTheWayIsCut) {
    const auto guest = start("e");
    auto spec = to_there();
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    auto going = begin(guest.uuid, spec);
    ASSERT_TRUE(wait_for(guest.uuid, copies_memory));
    relay_->cut();
    EXPECT_EQ(error_of([&] { going.get(); }, &message_), ErrorKind::peer_unreachable) << message_;
    expect_here(guest.uuid, disk_);
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::peer_unreachable) << message_;
}

TEST_F(Migration, GivesUpWhenNothingMoves) {
    const auto guest = start("f");
    auto spec = to_there();
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    spec.stall_limit = seconds(3);
    spec.parallel_connections = 1;
    auto going = begin(guest.uuid, spec);
    ASSERT_TRUE(wait_for(guest.uuid, copies_memory));
    const auto cable = fmt::format("nsenter -n -t {} ip link set dm{}b ", hosts().there.process(),
                                   hosts().here.process());
    run(cable + "down");
    EXPECT_EQ(error_of([&] { going.get(); }, &message_), ErrorKind::stalled) << message_;
    run(cable + "up");
    expect_here(guest.uuid, disk_);
}

TEST_F(Migration, CopiesDisksThatAreNotShared) {
    const auto guest = start("g");
    auto spec = to_there();
    const auto copy = make_disk("g-there", true);
    spec.disks_to_copy = {{"hda", copy, ImageFormat::raw, false}};
    const auto before = count(disk_);
    const auto result = here_->migrate(guest.uuid, spec);
    EXPECT_GT(result.transferred_bytes, 16U << 20);
    EXPECT_TRUE(counts(copy));
    EXPECT_GE(count(copy), before);
    const auto left = count(disk_);
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_EQ(count(disk_), left);
    EXPECT_EQ(there_->stats().at(0).disks.at(0).path, copy.string());
}

TEST_F(Migration, MapsPathsAndNamesAFileThatIsMissing) {
    const auto guest = start("h");
    auto spec = to_there();
    spec.paths = {{hosts().shared / "h", hosts().shared / "h-there"}};
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::missing_file) << message_;
    EXPECT_THAT(message_, HasSubstr("h-there/counter.raw"));
    expect_here(guest.uuid, disk_);

    // The same storage by another name.
    fs::create_directory_symlink(hosts().shared / "h", hosts().shared / "h-there");
    EXPECT_NO_THROW(here_->migrate(guest.uuid, spec));
    EXPECT_TRUE(counts(disk_));
    EXPECT_EQ(there_->stats().at(0).disks.at(0).path, hosts().shared / "h-there/counter.raw");
}

TEST_F(Migration, BelievesNobodyElse) {
    const auto guest = start("i");
    auto spec = to_there();
    spec.tls_name = "somebody.migrate.drover.internal";
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::peer_untrusted) << message_;
    spec.tls_name = there_name;
    // Here does not know the authority of there; then there does not know the one of here.
    install(hosts().here, hosts().here_identity.leaf, hosts().here_identity.authority_pem);
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::peer_untrusted) << message_;
    hosts().trust_each_other();
    install(hosts().there, hosts().there_identity.leaf, hosts().there_identity.authority_pem);
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::peer_untrusted) << message_;
    // Disks go by the same certificates.
    spec.disks_to_copy = {{"hda", make_disk("i-there", true), ImageFormat::raw, false}};
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::peer_untrusted) << message_;
    spec.disks_to_copy.clear();
    hosts().trust_each_other();
    spec.tls_name.clear();
    EXPECT_EQ(failure(guest.uuid, spec), ErrorKind::invalid_spec);
    expect_here(guest.uuid, disk_);
}

TEST_F(Migration, SwitchesToPostCopy) {
    const auto guest = start("j");
    auto spec = to_there();
    spec.post_copy = true;
    spec.bandwidth_bytes_per_s = slow_bytes_per_s;
    EXPECT_EQ(error_of([&] { here_->start_post_copy(guest.uuid); }), ErrorKind::invalid_state);
    auto going = begin(guest.uuid, spec);
    ASSERT_TRUE(wait_for(guest.uuid, copies_memory));
    here_->start_post_copy(guest.uuid);
    const auto result = going.get();
    EXPECT_TRUE(result.post_copy);
    EXPECT_FALSE(here_->find(guest.uuid).has_value());
    EXPECT_TRUE(counts(disk_));
    const auto moved_in = [&](const Event& event) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        return one && one->kind == LifecycleKind::resumed &&
               (one->resumed_reason == ResumedReason::post_copy ||
                one->resumed_reason == ResumedReason::migrated);
    };
    EXPECT_TRUE(there_events_->wait(moved_in));
}

// For people: `--gtest_also_run_disabled_tests --gtest_filter=*AsFastAsVirsh`.
TEST_F(Migration, DISABLED_IsAsFastAsVirsh) {
    const auto ours = [&](const DomainUuid& uuid) {
        const auto begun = steady_clock::now();
        const auto result = here_->migrate(uuid, to_there());
        return std::pair(std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun),
                         static_cast<long long>(result.downtime->count()));
    };
    const auto virsh = [&](const DomainUuid& uuid) {
        const auto begun = steady_clock::now();
        const auto uri = "qemu+unix:///system?socket=" + (hosts().shared / "relay.sock").string();
        run(
            fmt::format("virsh -q -c '{}' migrate {} '{}' --live --p2p --unsafe --auto-converge "
                        "--abort-on-error --tls --tls-destination {} --listen-address 10.77.0.2 "
                        "--migrateuri tcp://10.77.0.2",
                        hosts().here.uri(), uuid.value(), uri, there_name));
        const auto time = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
        const auto file = hosts().shared / "downtime";
        run(
            fmt::format("virsh -q -c '{}' domjobinfo --completed {} | "
                        "awk '/Total downtime/ {{print $3}}' > {}",
                        hosts().there.uri(), uuid.value(), file.string()));
        long long downtime_ms = 0;
        std::ifstream(file) >> downtime_ms;
        return std::pair(time, downtime_ms);
    };
    for (int i = 0; i < 5; ++i)
        for (const bool is_ours : {true, false}) {
            const auto guest = start("v");
            const auto [time, downtime_ms] = is_ours ? ours(guest.uuid) : virsh(guest.uuid);
            there_->destroy(guest.uuid);
            fmt::print("{}: {} ms, downtime {} ms\n", is_ours ? "drover" : "virsh ", time.count(),
                       downtime_ms);
        }
}

TEST_F(Migration, ComparesCpus) {
    const auto guest = start("k");
    EXPECT_NO_THROW(there_->check_cpu(here_->cpu_of(guest.uuid)));
    const std::string demand =
        "<guest type='qemu' arch='x86_64' machine='pc-i440fx-7.2'>"
        "<cpu mode='custom' match='exact'><model>qemu64</model>"
        "<feature policy='require' name='avx512f'/></cpu></guest>";
    EXPECT_EQ(error_of([&] { there_->check_cpu(demand); }, &message_), ErrorKind::incompatible_cpu)
        << message_;
    EXPECT_EQ(error_of([&] { there_->check_cpu("<domain/>"); }), ErrorKind::invalid_spec);
    EXPECT_THAT(here_->migration_socket(), HasSubstr("libvirt-sock"));
}

}  // namespace
}  // namespace drover::hypervisor::testing
