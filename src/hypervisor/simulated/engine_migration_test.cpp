#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "hypervisor/simulated/simulated_hypervisor.hpp"

namespace drover::hypervisor {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

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

// Notes down what happens to domains.
class Listener {
public:
    explicit Listener(Hypervisor& engine)
        : subscription_(engine.subscribe([this](const Event& event) {
              const auto* one = std::get_if<LifecycleEvent>(&event);
              if (one == nullptr) return;
              const std::lock_guard lock(mutex_);
              events_.push_back(*one);
              changed_.notify_all();
          })) {}

    template <class Matches>
    bool saw(Matches matches) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return std::ranges::any_of(events_, matches); });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<LifecycleEvent> events_;
    std::unique_ptr<Subscription> subscription_;
};

class SimulatedMigration : public ::testing::Test {
protected:
    SimulatedMigration() {
        std::string name = "/tmp/drover-simulated-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        std::ofstream(directory_ / "disk.raw") << "x";
        here_ = make("here", {});
        guest_.uuid = DomainUuid("00000000-0000-4000-8000-000000000001");
        guest_.display_name = "mover";
        guest_.machine_type = "pc-i440fx-7.2";
        guest_.memory_bytes = 64 << 20;
        guest_.controllers = {{ControllerKind::ide, 0, PciAddress{0, 1, 1}}};
        DiskSpec disk;
        disk.bus = DiskBus::ide;
        disk.image = DiskImage{directory_ / "disk.raw", ImageFormat::raw};
        guest_.disks = {disk};
        guest_.metadata = {{"generation", "1"}};
        here_->start(guest_);
    }
    ~SimulatedMigration() override {
        here_.reset();
        fs::remove_all(directory_);
    }

    std::unique_ptr<Hypervisor> make(const std::string& name,
                                     std::vector<simulated::FaultRule> faults) {
        SimulatedOptions options;
        options.host = simulated_host_info();
        options.faults = std::move(faults);
        options.migration_socket = directory_ / (name + ".sock");
        options.journal = directory_ / (name + ".journal");
        return make_simulated_hypervisor(options, clock_);
    }
    MigrationSpec to(const Hypervisor& there) const {
        MigrationSpec spec;
        spec.destination_socket = const_cast<Hypervisor&>(there).migration_socket();
        spec.destination_address = "127.0.0.1";
        spec.unencrypted = true;
        return spec;
    }

    base::SystemClock clock_;
    fs::path directory_;
    std::unique_ptr<Hypervisor> here_;
    DomainSpec guest_;
};

TEST_F(SimulatedMigration, MovesADomain) {
    const auto there = make("there", {});
    Listener left(*here_);
    Listener came(*there);
    there->expect_migration({guest_.uuid, "mover"});
    auto spec = to(*there);
    spec.metadata = std::map<std::string, std::string>{{"generation", "2"}};
    const auto result = here_->migrate(guest_.uuid, spec);
    EXPECT_EQ(result.memory_bytes, 64U << 20);
    EXPECT_TRUE(result.downtime.has_value());
    EXPECT_FALSE(here_->find(guest_.uuid).has_value());
    const auto info = there->find(guest_.uuid);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->state, DomainState::running);
    EXPECT_EQ(info->metadata, spec.metadata);
    EXPECT_TRUE(left.saw([](const LifecycleEvent& event) {
        return event.kind == LifecycleKind::stopped &&
               event.stopped_reason == StoppedReason::migrated;
    }));
    EXPECT_TRUE(came.saw([](const LifecycleEvent& event) {
        return event.kind == LifecycleKind::resumed &&
               event.resumed_reason == ResumedReason::migrated;
    }));
}

TEST_F(SimulatedMigration, IsRefusedBeforeAnythingHappens) {
    const auto there = make("there", {});
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, to(*there)); }), ErrorKind::permission);
    there->expect_migration({guest_.uuid, "mover"});
    auto spec = to(*there);
    spec.paths = {{directory_, directory_ / "elsewhere"}};
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, spec); }), ErrorKind::missing_file);
    spec.destination_socket = directory_ / "nobody.sock";
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, spec); }), ErrorKind::peer_unreachable);
    there->forget_migration(guest_.uuid);
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, to(*there)); }), ErrorKind::permission);
    EXPECT_EQ(here_->find(guest_.uuid)->state, DomainState::running);
    EXPECT_TRUE(there->list().empty());
}

TEST_F(SimulatedMigration, ShowsProgressAndCanBeCancelled) {
    const auto there = make("there", {});
    there->expect_migration({guest_.uuid, "mover"});
    auto spec = to(*there);
    spec.bandwidth_bytes_per_s = 1 << 20;
    auto going = std::async(std::launch::async, [&] { here_->migrate(guest_.uuid, spec); });
    while (true) {
        const auto progress = here_->migration_progress(guest_.uuid);
        if (progress && progress->transferred_bytes > 0) break;
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, spec); }), ErrorKind::invalid_state);
    here_->cancel_migration(guest_.uuid);
    EXPECT_EQ(kind_of([&] { going.get(); }), ErrorKind::cancelled);
    EXPECT_EQ(here_->find(guest_.uuid)->state, DomainState::running);
    EXPECT_TRUE(there->list().empty());

    // By post-copy it is there at once.
    auto again = std::async(std::launch::async, [&] { return here_->migrate(guest_.uuid, spec); });
    for (bool started = false; !started; std::this_thread::sleep_for(5ms)) {
        try {
            here_->start_post_copy(guest_.uuid);
            started = true;
        } catch (const HypervisorError&) {
        }
    }
    EXPECT_TRUE(again.get().post_copy);
    EXPECT_TRUE(there->find(guest_.uuid).has_value());
}

TEST_F(SimulatedMigration, TheOtherEngineDies) {
    auto there = make("there", {});
    there->expect_migration({guest_.uuid, "mover"});
    auto spec = to(*there);
    spec.bandwidth_bytes_per_s = 1 << 20;
    auto going = std::async(std::launch::async, [&] { here_->migrate(guest_.uuid, spec); });
    while (!here_->migration_progress(guest_.uuid) ||
           here_->migration_progress(guest_.uuid)->transferred_bytes == 0)
        std::this_thread::sleep_for(5ms);
    there.reset();
    EXPECT_EQ(kind_of([&] { going.get(); }), ErrorKind::peer_unreachable);
    EXPECT_EQ(here_->find(guest_.uuid)->state, DomainState::running);
}

TEST_F(SimulatedMigration, RulesMakeItFail) {
    const auto there = make("there", simulated::parse_fault_rules(R"([
        {"method": "receive", "fault": "insufficient_memory", "count": 1},
        {"method": "arrive", "fault": "internal"}])"));
    there->expect_migration({guest_.uuid, "mover"});
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, to(*there)); }),
              ErrorKind::insufficient_memory);
    EXPECT_EQ(kind_of([&] { here_->migrate(guest_.uuid, to(*there)); }),
              ErrorKind::outcome_unknown);
    EXPECT_EQ(here_->find(guest_.uuid)->state, DomainState::running);
}

}  // namespace
}  // namespace drover::hypervisor
