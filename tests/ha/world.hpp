#pragma once

// A cluster that never was: hosts with clocks that drift, etcd, a datastore with leases and slots,
// machines that write, and everything that can go wrong with them, by seed. It drives the agent and
// the fencer of the product and hands what happens to the judge.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ha/agent/agent.hpp"
#include "judge.hpp"
#include "plan/model/dice.hpp"

namespace drover::ha::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Mistakes an adapter could make, as tests that the simulation would notice.
enum class AdapterFault {
    none,
    wall_clock,        ///< times by a clock that is stepped
    lonely_fencer,     ///< no one ticks for a fencer that has died
    hostd_is_life,     ///< the agent stops with hostd
    pause_is_assumed,  ///< stopped is reported before QEMU says so
    waits_for_all      ///< leases are told when all datastores have answered
};

enum class Fault : int;

struct WorldSettings {
    std::uint64_t seed = 1;
    StorageFencing fencing = StorageFencing::none;
    std::size_t hosts = 4;
    std::size_t machines = 6;
    AdapterFault adapter = AdapterFault::none;
    bool trace = false;
    ReadyWhen ready_when = ReadyWhen::assigned;
    bool with_dependencies = true;
    bool two_datastores = false;  ///< every second machine lies on the one without slots
    bool one_priority = false;  ///< all machines alike: only bounds and dependencies give an order
};

/// How far a migration is.
enum class Move { offered, begun, handed_over, accepted };

struct Process {
    std::uint64_t id = 0;
    MachineId machine{};
    Generation key = 0;  ///< at the storage
    int writes_under_way = 0;
    bool told_to_run = false;
    bool at_switchover = false;  ///< stopped by its own migration
    Generation sent_at = 0;      ///< all of it was sent, and it has not run since
    bool frozen = false;
    bool gated = false;
    bool dead = false;
    bool reaped = false;
    bool executes = false;  ///< as the judge was told
    Time died{};
    Time made{};
    std::uint32_t command = 0;
};
using ProcessPtr = std::shared_ptr<Process>;

struct World {
    explicit World(const WorldSettings& how);

    struct Host {
        bool up = false;
        int boot = 0;
        int agent_life = 0;
        bool agent_up = false;
        bool fencer_up = true;
        bool hostd_up = true;
        Time fencer_died{};
        Time agent_hangs_until{};
        Time frozen_until{};
        Time thawed{};
        double rate = 1;
        Duration offset{};
        Duration wall_step{};
        std::array<bool, 3> out{true, true, true};  ///< requests by channel get through
        std::array<bool, 3> in{true, true, true};   ///< answers do
        std::array<Duration, 3> late_out{};         ///< requests take up to so much longer
        std::array<Duration, 3> late_in{};          ///< answers do
        std::array<Duration, 3> read_lag{};   ///< answers with what others wrote: always so late
        std::array<Time, 3> stalled_until{};  ///< requests sent before arrive only then
        bool torn = false;                    ///< nobody can read its slots
        std::size_t etcd = 0;                 ///< the one that it has been told of
        Time petted{};
        Time wakes_at{};
        std::unique_ptr<Fencer> fencer;
        std::unique_ptr<Agent> agent;
        std::vector<ProcessPtr> processes;        ///< by machine
        std::shared_ptr<LeasesRead> late_leases;  ///< came too late for the reading they were of
        std::vector<int> writes_under_way;        ///< by machine, of dead processes too
        Time crashed{};
    };
    static constexpr int kEtcd = 0;
    static constexpr int kStorage = 1;
    static constexpr int kSecondStorage = 2;  ///< has leases and disks, no slots
    struct Timings {
        std::vector<double> detected_s;
        std::vector<double> running_s;
    };
    struct Counts {
        long events = 0, faults = 0, writes = 0, rejected = 0, takes = 0, resumes = 0, resets = 0;
        long watchdog_resets = 0, migrations = 0, handed_over = 0, declined = 0, launches = 0;
        long permits_lost = 0, powered_off = 0, lost_machines = 0, joins = 0, claims = 0,
             adopted = 0;
        void add(const Counts& other);
    };

    // world.cpp: time and requests
    void at(Time when, std::function<void()> what);
    void after(Duration delay, std::function<void()> what) { at(now + delay, std::move(what)); }
    void run_until(Time end);
    Duration between(Duration low, Duration high);
    bool chance(double part) { return dice.fraction() < part; }
    int pick(std::size_t count) { return static_cast<int>(dice.below(count)); }
    Duration delay(int channel);
    bool is_up(int channel) const;
    int storage_of(MachineId machine) const {
        return how.two_datastores && index_of(machine) % 2 == 1 ? kSecondStorage : kStorage;
    }
    Duration way_out(int host, int channel);
    Duration way_back(int host, int channel);
    struct Request {
        int host = 0;
        int life = 0;
        int channel = 0;
        Duration lag{};  ///< of the answer
        std::function<void()> land;
        std::function<Event()> answer;
        int tries = 0;
    };
    void request(int host, int channel, std::function<void()> land, std::function<Event()> answer,
                 bool reads = false);
    void travel(Request request);
    void answer_storage(const Request& request, Duration wait);
    void deliver(int host, int life, std::function<Event()> event);
    void tell(int host, Event event);
    Time clock_of(int host) const;
    void say(const std::string& line) const;

    // host.cpp: power, processes, agents
    void boot(int host);
    void start_agent(int host);
    void stop_agent(int host);
    void reset(int host, const char* why, Duration down);
    void step(int host, const Event& event);
    void wake(int host, Time local);
    void perform(int host, Action action);
    void perform(int host, const Note& note);
    void perform_migration(int host, const Action& action);
    void perform_fencer(int host);
    void fencer_loop(int host, int boot);
    void watchdog_loop(int host, int boot);
    void fencer_tick(int host);
    void do_fencer(int host, const FencerAction& action);
    void kill(int host, Process& process);
    void settle(int host, Process& process);
    void launch(int host, const Launch& launch);
    void copy_memory(int host, const BeginMigration& begin_it);
    void end_at_switchover(int host, int boot, ProcessPtr process, Generation generation);
    void tell_when_gone(int host, int boot, ProcessPtr process);
    void switch_over(int host, int boot, ProcessPtr process, Generation generation);
    void freeze(int host, Duration how_long);
    void send_message(int to, Duration at_least, std::function<Event()> event, int from);

    // storage.cpp: leases, slots, guests' writes
    void perform_storage(int host, const Action& action);
    void read_leases(int host, OpId op);
    void read_side_by_side(int host, const std::shared_ptr<LeasesRead>& read,
                           const std::function<void()>& go_on, Duration wait);
    void read_some_leases(int host, int channel, LeasesRead& read);
    void swap_lease(int host, const SwapLease& swap);
    void guest(int host, int boot, ProcessPtr process);
    void write(int host, ProcessPtr process);
    struct Write {
        int host = 0;
        int boot = 0;
        ProcessPtr process;
        Generation key = 0;
        bool in_host_queue = false;
    };
    void land(Write write);
    void acknowledge(Write write, Duration wait);

    // unguarded.cpp
    void begin_unguarded(MachineId machine, int host);
    void look_at_unguarded(MachineId machine, int host);
    void expect_power_on(MachineId machine, int host);

    // faults.cpp
    void fault();
    void fault_of_network(Fault kind, int host, Duration length);
    void fault_of_storage(Fault kind, int host, Duration length);
    void fault_of_process(Fault kind, int host, Duration length);
    void cut(int host, int channel, Duration how_long, bool out = true, bool in = true);
    void fault_of_second_storage();
    void cut_all(Duration how_long, bool unevenly);
    void replace_etcd();
    void heal();
    void migrate_something();
    void migrate(MachineId machine, int target);
    void power_something();

    // scenarios.cpp
    void begin();
    /// Of this datastore; less than zero: of any.
    void expect_all_running(int channel = -1);
    CataloguePtr make_catalogue();

    WorldSettings how;
    plan::Dice dice;
    Judge judge;
    Timing timing{};
    Time now{};
    struct Due {
        Time when;
        std::uint64_t order;
        std::function<void()> what;
    };
    std::vector<Due> due;
    std::uint64_t orders = 0;
    std::uint64_t processes_made = 0;

    std::vector<Host> hosts;
    CataloguePtr catalogue;
    // etcd
    bool etcd_up = true;
    std::vector<std::vector<Beat>> beats;  ///< by etcd, since it may be replaced by an empty one
    // the datastore
    bool storage_up = true;
    bool second_storage_up = true;
    bool storage_full = false;
    double unreadable = 0;
    double slow = 0.01;  ///< part of the requests that take long
    double launch_fails = 0.03;
    double launch_lost = 0;         ///< part of the starts that nobody answers
    double slow_writes = 0;         ///< part of the guests' writes that take seconds
    bool begins_unguarded = false;  ///< machines run already, not protected yet
    bool migrates_much = false;
    double late_words = 0.2;  ///< part of the hand-overs that arrive late
    Duration late_word = seconds{16};
    bool watchdog_broken = false;
    bool reset_broken = false;  ///< the fencer's reset of the host does nothing
    std::function<void(Move, int from, int to, MachineId)> on_move;
    std::vector<Lease> leases;
    PlanCell plan;
    std::vector<std::vector<Slot>> slots;  ///< by host, the newest epochs
    std::vector<Generation> fenced_below;

    // what is measured
    Counts counts;
    Timings timings;
    std::vector<Time> down_since;
    std::vector<Time> first_run;
    std::vector<int> launching;
    std::vector<Time> failed_start;
    Time incident{};
    bool detected = false;
    bool watch_order = false;
};

/// The worlds that a seed stands for; returns what was violated, or nothing.
struct Outcome {
    std::string violation;
    World::Counts counts;
    World::Timings timings;
    std::string kind;
};
Outcome run_seed(std::uint64_t seed, AdapterFault adapter, bool trace);
/// What kind of world a seed stands for: see tests/ha/README.md.
std::string_view profile_of(std::uint64_t seed);

}  // namespace drover::ha::sim
