#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "hypervisor/simulated/simulated_hypervisor.hpp"

namespace drover::hypervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

DomainSpec spec_of(const std::string& number) {
    DomainSpec spec;
    spec.uuid = DomainUuid("00000000-0000-4000-8000-0000000000" + number);
    spec.display_name = "Web Server " + number;
    spec.machine_type = "pc-i440fx-7.2";
    spec.memory_bytes = 512 << 20;
    spec.cpu.vcpus = 2;
    spec.controllers = {{ControllerKind::virtio_serial, 0, PciAddress{0, 5, 0}}};
    spec.guest_agent = true;
    spec.nics.push_back({.mac = "00:50:56:00:00:" + number, .bridge = "br0"});
    spec.metadata = {{"vmx", "[ds] a/a.vmx"}};
    return spec;
}

template <class Call>
ErrorKind kind_of(Call call) {
    try {
        call();
    } catch (const HypervisorError& error) {
        return error.kind();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorKind::internal;
}

// Notes down what happens.
class Listener {
public:
    explicit Listener(Hypervisor& engine)
        : subscription_(engine.subscribe([this](const Event& event) {
              const std::lock_guard lock(mutex_);
              events_.push_back(event);
              changed_.notify_all();
          })) {}

    template <class Kind, class Matches>
    bool saw(Matches matches) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] {
            for (const Event& event : events_) {
                const auto* found = std::get_if<Kind>(&event);
                if (found != nullptr && matches(*found)) return true;
            }
            return false;
        });
    }
    bool saw(LifecycleKind kind) {
        return saw<LifecycleEvent>([kind](const auto& event) { return event.kind == kind; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;
    std::unique_ptr<Subscription> subscription_;
};

class SimulatedEngine : public ::testing::Test {
protected:
    SimulatedEngine() {
        std::string made = (std::filesystem::temp_directory_path() / "drover-sim-XXXXXX").string();
        directory_ = ::mkdtemp(made.data());
        options_.host = simulated_host_info();
        options_.guest_boot = 10ms;
        options_.guest_shutdown = 1ms;
    }
    ~SimulatedEngine() override {
        engine_.reset();
        std::filesystem::remove_all(directory_);
    }
    Hypervisor& engine() {
        if (!engine_) engine_ = make_simulated_hypervisor(options_, clock_);
        return *engine_;
    }

    base::SystemClock clock_;
    std::filesystem::path directory_;
    SimulatedOptions options_;
    std::unique_ptr<Hypervisor> engine_;
};

TEST_F(SimulatedEngine, RunsDomains) {
    const auto spec = spec_of("01");
    Listener listener(engine());
    EXPECT_TRUE(listener.saw<ConnectionEvent>([](const auto& event) { return event.connected; }));
    const auto info = engine().start(spec);
    EXPECT_EQ(info.state, DomainState::running);
    EXPECT_EQ(info.metadata, spec.metadata);
    EXPECT_FALSE(info.agent_connected);
    EXPECT_FALSE(info.vnc_port);
    EXPECT_TRUE(listener.saw(LifecycleKind::started));
    EXPECT_TRUE(listener.saw<AgentEvent>([](const auto& event) { return event.connected; }));
    EXPECT_TRUE(engine().agent_ping(spec.uuid));
    EXPECT_EQ(kind_of([&] { engine().start(spec); }), ErrorKind::already_running);

    engine().pause(spec.uuid);
    EXPECT_EQ(engine().find(spec.uuid)->paused_reason, PausedReason::user);
    engine().resume(spec.uuid);
    engine().reset(spec.uuid);
    EXPECT_TRUE(listener.saw(LifecycleKind::rebooted));
    engine().shutdown(spec.uuid, GuestRequest::acpi);
    EXPECT_TRUE(listener.saw<LifecycleEvent>([](const auto& event) {
        return event.kind == LifecycleKind::stopped &&
               event.stopped_reason == StoppedReason::shutdown;
    }));
    EXPECT_FALSE(engine().find(spec.uuid));
    EXPECT_EQ(kind_of([&] { engine().destroy(spec.uuid); }), ErrorKind::not_found);
}

TEST_F(SimulatedEngine, RefusesWhatAnEngineWould) {
    auto spec = spec_of("01");
    spec.machine_type = "pc-i440fx-99.9";
    EXPECT_EQ(kind_of([&] { engine().start(spec); }), ErrorKind::unsupported);
    spec = spec_of("01");
    spec.memory_bytes = 1;
    EXPECT_EQ(kind_of([&] { engine().start(spec); }), ErrorKind::invalid_spec);
    spec = spec_of("01");
    spec.controllers.push_back({ControllerKind::scsi_pvscsi, 0, PciAddress{0, 6, 0}});
    DiskSpec disk;
    disk.image = DiskImage{(directory_ / "none.raw").string(), ImageFormat::raw};
    spec.disks.push_back(disk);
    EXPECT_EQ(kind_of([&] { engine().start(spec); }), ErrorKind::missing_file);
    engine().start(spec_of("01"));
    EXPECT_EQ(kind_of([&] { engine().screenshot(spec.uuid); }), ErrorKind::unsupported);
}

TEST_F(SimulatedEngine, MovesDisks) {
    const auto file = [&](const std::string& name, const std::string& content) {
        std::ofstream(directory_ / name) << content;
        return (directory_ / name).string();
    };
    auto spec = spec_of("01");
    spec.controllers.push_back({ControllerKind::scsi_pvscsi, 0, PciAddress{0, 6, 0}});
    DiskSpec disk;
    disk.image = DiskImage{file("old.raw", "content"), ImageFormat::raw};
    spec.disks.push_back(disk);
    const DiskImage to{file("new.raw", std::string(7, '.')), ImageFormat::raw};
    engine().start(spec);
    EXPECT_EQ(kind_of([&] { engine().finish_disk_move(spec.uuid, "sda"); }),
              ErrorKind::invalid_state);
    engine().begin_disk_move(spec.uuid, "sda", to);
    EXPECT_EQ(kind_of([&] { engine().begin_disk_move(spec.uuid, "sda", to); }),
              ErrorKind::device_in_use);
    EXPECT_TRUE(engine().disk_moves(spec.uuid).front().ready);
    EXPECT_EQ(engine().disk_moves(spec.uuid).front().path, disk.image->path);
    engine().cancel_disk_move(spec.uuid, "sda");
    EXPECT_EQ(engine().disk_moves(spec.uuid).front().destination_path, "");
    engine().begin_disk_move(spec.uuid, "sda", to);
    engine().finish_disk_move(spec.uuid, "sda");
    EXPECT_EQ(engine().disk_moves(spec.uuid).front().path, to.path);
    std::ifstream copied(to.path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(copied), {}), "content");
}

TEST_F(SimulatedEngine, AsksNoAgentBeforeItIsThere) {
    options_.guest_boot = 1h;
    const auto spec = spec_of("01");
    engine().start(spec);
    EXPECT_EQ(kind_of([&] { engine().guest_info(spec.uuid); }), ErrorKind::agent_unavailable);
    EXPECT_EQ(kind_of([&] { engine().shutdown(spec.uuid, GuestRequest::agent); }),
              ErrorKind::agent_unavailable);
}

TEST_F(SimulatedEngine, TellsOfTheGuest) {
    const auto spec = spec_of("07");
    Listener listener(engine());
    engine().start(spec);
    ASSERT_TRUE(listener.saw<AgentEvent>([](const auto& event) { return event.connected; }));
    const auto guest = engine().guest_info(spec.uuid);
    EXPECT_EQ(guest.host_name, "web-server-07");
    ASSERT_EQ(guest.interfaces.size(), 1U);
    EXPECT_THAT(guest.interfaces[0].addresses[0].ip, ::testing::StartsWith("10."));
}

TEST_F(SimulatedEngine, CountersGrowAndRepeat) {
    base::ManualClock clock(base::WallTime(1'700'000'000s));
    const auto one = make_simulated_hypervisor(options_, clock);
    const auto other = make_simulated_hypervisor(options_, clock);
    one->start(spec_of("01"));
    other->start(spec_of("01"));
    DomainStats before;
    for (int i = 0; i < 100; ++i) {
        clock.advance(20s);
        const auto now = one->stats().at(0);
        EXPECT_GT(now.cpu_time_ns, before.cpu_time_ns);
        EXPECT_LE(now.cpu_time_ns - before.cpu_time_ns, 2 * 20'000'000'000U);
        EXPECT_GE(now.nics.at(0).rx_bytes, before.nics.empty() ? 0 : before.nics[0].rx_bytes);
        EXPECT_LE(now.balloon.rss_bytes, std::uint64_t{512 << 20});
        EXPECT_EQ(now.cpu_time_ns, other->stats().at(0).cpu_time_ns);
        before = now;
    }
    const auto host = one->host_stats();
    EXPECT_GT(host.cpu_user_ns, 0U);
    EXPECT_GT(host.memory_free_bytes, 0U);
    EXPECT_LT(host.memory_free_bytes, host.memory_total_bytes);
}

TEST_F(SimulatedEngine, SavesAndRestores) {
    const auto spec = spec_of("01");
    const std::string image = directory_ / "a.vmss";
    EXPECT_EQ(kind_of([&] { engine().is_save_image_complete(image); }), ErrorKind::missing_file);
    engine().start(spec);
    engine().save(spec.uuid, image);
    EXPECT_FALSE(engine().find(spec.uuid));
    EXPECT_TRUE(engine().is_save_image_complete(image));
    EXPECT_EQ(engine().restore(image, spec, InitialState::paused).state, DomainState::paused);
    engine().destroy(spec.uuid);
    std::filesystem::resize_file(image, std::filesystem::file_size(image) - 1);
    EXPECT_FALSE(engine().is_save_image_complete(image));
    EXPECT_EQ(kind_of([&] { engine().restore(image, spec); }), ErrorKind::internal);
    engine().start(spec);
    EXPECT_EQ(kind_of([&] { engine().save(spec.uuid, directory_ / "no/such/place"); }),
              ErrorKind::missing_file);
    EXPECT_TRUE(engine().find(spec.uuid));
}

TEST_F(SimulatedEngine, DomainsOutliveIt) {
    options_.journal = directory_ / "domains";
    engine().start(spec_of("01"));
    engine().start(spec_of("02"));
    engine().start(spec_of("03"));
    engine().destroy(spec_of("02").uuid);
    const auto before = engine().find(spec_of("01").uuid);
    engine_.reset();
    std::ofstream(options_.journal, std::ios::app) << "+{\"uuid\": \"cut";
    EXPECT_EQ(engine().list().size(), 2U);
    const auto after = engine().find(spec_of("01").uuid);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->libvirt_id, before->libvirt_id);
    EXPECT_EQ(after->metadata, before->metadata);
}

TEST_F(SimulatedEngine, ChangesDevices) {
    const auto spec = spec_of("01");
    engine().start(spec);
    engine().set_link_state(spec.uuid, "00:50:56:00:00:01", false);
    EXPECT_EQ(kind_of([&] { engine().set_link_state(spec.uuid, "00:50:56:00:00:99", true); }),
              ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { engine().change_media(spec.uuid, "hdc", std::nullopt); }),
              ErrorKind::not_found);
    engine().set_metadata(spec.uuid, {{"a", "b"}});
    EXPECT_EQ(engine().find(spec.uuid)->metadata->at("a"), "b");
}

TEST_F(SimulatedEngine, FollowsFaultRules) {
    options_.faults = simulated::parse_fault_rules(R"([
        {"method": "start", "object": "Web Server 0?", "fault": "no_space", "count": 1}])");
    options_.faults_file = directory_ / "faults.json";
    const auto spec = spec_of("01");
    EXPECT_EQ(kind_of([&] { engine().start(spec); }), ErrorKind::no_space);
    engine().start(spec);

    std::ofstream(options_.faults_file) << R"([{"object": ")" + spec.uuid.value() +
                                               R"(", "fault": "timed_out", "message": "so slow"}])";
    std::this_thread::sleep_for(2 * simulated::FaultRules::kLookInterval);
    try {
        engine().find(spec.uuid);
        ADD_FAILURE();
    } catch (const HypervisorError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::timed_out);
        EXPECT_THAT(error.what(), HasSubstr("so slow"));
    }
    EXPECT_FALSE(engine().find(spec_of("02").uuid));
    EXPECT_EQ(engine().list().size(), 1U);
    std::filesystem::remove(options_.faults_file);
    std::this_thread::sleep_for(2 * simulated::FaultRules::kLookInterval);
    EXPECT_TRUE(engine().find(spec.uuid));
}

TEST(FaultRules, SayWhatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"{}", "must be a list"},
        {R"([1])", "faults[0]: must be an object"},
        {R"([{"fualt": "x"}])", "faults[0].fualt: is unknown"},
        {R"([{}, {"fault": "tired"}])", "faults[1].fault: is no kind of error"},
        {R"([{"probability": 1.5}])", "faults[0].probability: must be a number from 0 to 1"},
        {R"([{"delay_ms": -1}])", "faults[0].delay_ms"},
    };
    for (const auto& [text, reason] : cases) {
        try {
            simulated::parse_fault_rules(text);
            ADD_FAILURE() << text;
        } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(), HasSubstr(reason));
        }
    }
}

TEST(FaultRules, HitAsOftenAsTheySay) {
    simulated::FaultRules rules(
        simulated::parse_fault_rules(R"([{"probability": 0.25, "fault": "internal"}])"), {}, 7);
    int hits = 0;
    for (int i = 0; i < 1000; ++i) {
        try {
            rules.apply("list", "", "");
        } catch (const HypervisorError&) {
            ++hits;
        }
    }
    EXPECT_NEAR(hits, 250, 50);
}

}  // namespace
}  // namespace drover::hypervisor
