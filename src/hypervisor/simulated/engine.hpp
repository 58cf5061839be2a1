#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <unordered_map>

#include "hypervisor/event_queue.hpp"
#include "hypervisor/simulated/activity.hpp"
#include "hypervisor/simulated/departure.hpp"
#include "hypervisor/simulated/doorway.hpp"
#include "hypervisor/simulated/journal.hpp"
#include "hypervisor/simulated/running_domain.hpp"
#include "hypervisor/simulated/simulated_hypervisor.hpp"
#include "hypervisor/simulated/timers.hpp"

namespace drover::hypervisor::simulated {

/// See make_simulated_hypervisor(). One lock guards the domains; fault rules wait outside of it.
class Engine final : public Hypervisor {
public:
    Engine(SimulatedOptions options, const base::Clock& clock);

    DomainInfo start(const DomainSpec& spec, InitialState state) override;
    void save(const DomainUuid& uuid, const std::string& path) override;
    DomainInfo restore(const std::string& path, const DomainSpec& spec,
                       InitialState state) override;
    bool is_save_image_complete(const std::string& path) override;
    void destroy(const DomainUuid& uuid) override;
    void reset(const DomainUuid& uuid) override;
    void shutdown(const DomainUuid& uuid, GuestRequest how) override;
    void reboot(const DomainUuid& uuid, GuestRequest how) override;
    void pause(const DomainUuid& uuid) override;
    void resume(const DomainUuid& uuid) override;

    std::vector<DomainInfo> list() override;
    std::optional<DomainInfo> find(const DomainUuid& uuid) override;
    std::vector<DomainStats> stats() override;
    void set_metadata(const DomainUuid& uuid,
                      const std::map<std::string, std::string>& metadata) override;
    GuestInfo guest_info(const DomainUuid& uuid) override;
    bool agent_ping(const DomainUuid& uuid) override;

    void change_media(const DomainUuid& uuid, const std::string& target,
                      const std::optional<DiskImage>& media, bool force) override;
    void set_link_state(const DomainUuid& uuid, const std::string& mac, bool up) override;
    Screenshot screenshot(const DomainUuid& uuid) override;
    void set_balloon(const DomainUuid& uuid, std::uint64_t memory_bytes) override;
    void set_cpu_tuning(const DomainUuid& uuid, const CpuTuning& tuning) override;
    void press_keys(const DomainUuid& uuid, const std::vector<std::uint32_t>& usb_codes) override;
    void inject_nmi(const DomainUuid& uuid) override;
    void sleep_guest(const DomainUuid& uuid) override;
    void attach_disk(const DomainUuid& uuid, const DomainSpec& spec, const DiskSpec& disk) override;
    void attach_nic(const DomainUuid& uuid, const NicSpec& nic) override;
    void detach_disk(const DomainUuid& uuid, const std::string& target) override;
    void detach_nic(const DomainUuid& uuid, const std::string& mac) override;
    void set_bridge(const DomainUuid& uuid, const std::string& mac,
                    const std::string& bridge) override;

    void begin_disk_move(const DomainUuid& uuid, const std::string& target,
                         const DiskImage& to) override;
    std::vector<DiskMove> disk_moves(const DomainUuid& uuid) override;
    void finish_disk_move(const DomainUuid& uuid, const std::string& target) override;
    void cancel_disk_move(const DomainUuid& uuid, const std::string& target) override;
    void move_nvram(const DomainUuid& uuid, const std::string& path) override;

    std::string migration_socket() override;
    void expect_migration(const IncomingDomain& incoming) override;
    void forget_migration(const DomainUuid& uuid) override;
    MigrationResult migrate(const DomainUuid& uuid, const MigrationSpec& spec) override;
    std::optional<MigrationProgress> migration_progress(const DomainUuid& uuid) override;
    void cancel_migration(const DomainUuid& uuid) override;
    void start_post_copy(const DomainUuid& uuid) override;
    std::string cpu_of(const DomainUuid& uuid) override;
    void check_cpu(const std::string& cpu) override;

    HostInfo host_info() override;
    HostStats host_stats() override;
    std::unique_ptr<Subscription> subscribe(EventSink sink) override;

private:
    /// What the rules say to a call for one domain, and for none.
    void meet_faults(std::string_view method, const DomainUuid& uuid);
    void meet_faults(std::string_view method);

    // Under the lock.
    RunningDomain& get(const DomainUuid& uuid);
    RunningDomain& get_with_agent(const DomainUuid& uuid);
    bool agent_answers(const RunningDomain& domain) const;
    std::chrono::nanoseconds uptime(const RunningDomain& domain) const;
    /// Writes down a change of a domain.
    void keep(const RunningDomain& domain) { journal_.put(domain); }
    void tell(const RunningDomain& domain, LifecycleEvent event);
    void end(const DomainUuid& uuid, StoppedReason reason);
    /// The guest begins anew: its agent is gone, and comes back later.
    void boot_guest(RunningDomain& domain);
    void expect_agent(const RunningDomain& domain);

    DomainInfo begin(const DomainSpec& spec, InitialState state, StartedReason reason);
    void check(const DomainSpec& spec) const;
    bool asks_agent(const RunningDomain& domain, GuestRequest how) const;
    /// Later, if the domain still is in the same run.
    void later(const RunningDomain& domain, std::chrono::milliseconds delay,
               std::function<void(RunningDomain&)> action);

    // Moving to another host: engine_migration.cpp.
    std::shared_ptr<Departure> begin_departure(const DomainUuid& uuid, const MigrationSpec& spec);
    std::string departure_line(const DomainUuid& uuid, const MigrationSpec& spec);
    void let_go(const DomainUuid& uuid);
    void go_on(const DomainUuid& uuid);
    void receive(LineSocket& source);
    RunningDomain check_arrival(const std::string& line);
    void arrive(RunningDomain domain);

    const SimulatedOptions options_;
    const base::Clock& clock_;
    const base::WallTime made_at_;
    FaultRules rules_;
    std::mutex mutex_;
    Journal journal_;
    std::unordered_map<DomainUuid, RunningDomain> domains_;
    std::unordered_map<DomainUuid, std::shared_ptr<Departure>> departures_;
    std::set<DomainUuid> expected_;
    int last_run_ = 0;
    double host_cpu_s_ = 0;  // what domains took until host_asked_at_
    base::WallTime host_asked_at_;
    EventQueue events_;
    Timers timers_;  // the last two: their threads use all of the above
    std::unique_ptr<Doorway> doorway_;
};

}  // namespace drover::hypervisor::simulated
