#pragma once

// The agent of one host for one datastore: keeps the permit alive, watches the others, takes over
// machines whose owners are over, and wins back its own. It never blocks and knows no clock:
// step(event, now) -> actions, the same for the same history.
//
// Nothing of it is durable. A new agent beside a fencer that still knows machines gives the old
// permit up and joins in a new epoch.

#include <vector>

#include "ha/agent/events.hpp"
#include "ha/fence/fencer.hpp"
#include "ha/restart/restart_plan.hpp"
#include "ha/watch/observer.hpp"

namespace drover::ha {

struct AgentSettings {
    HostId self{};
    Timing timing{};
    StorageFencing fencing = StorageFencing::none;
};

class Agent {
public:
    /// The fencer must outlive the agent. The first step gives up a permit that it still has.
    Agent(const AgentSettings& settings, Fencer& fencer);

    /// `now` never goes back. What the fencer is to do lies in the fencer afterwards.
    std::vector<Action> step(const Event& event, Time now);
    /// When it wants a Tick.
    Time next_wake() const;

    Tenure self() const { return {settings_.self, epoch_}; }
    bool has_joined() const { return epoch_ != 0; }

private:
    enum class Aim {
        none,
        take,
        resume,
        claim,
        adopt,
        name_successor,
        clear_successor,
        release,
        offer
    };
    // What this agent is about to do with a machine.
    struct Local {
        bool known = false;  ///< the newest read could tell
        Lease lease{};
        Aim aim = Aim::none;
        OpId op = 0;  ///< of the swap, then of the storage fence; 0: none
        Time op_sent = kNever;
        Lease next{};
        bool power_on = false;
        bool power_off = false;
        bool leaves = false;  ///< offered to others when its process is gone
        bool ended = false;   ///< the guest shut down
        bool ready = false;
        Time launched_at = kNever;
        Time read_at = kNever;  ///< when its lease was known for the last time
        Time asked_to_shut_down = kNever;
        std::uint32_t failures = 0;
        Time takeable_since = kNever;
        Assignment assigned{};  ///< the newest plan's, as a planner remembers it
        Time assigned_at = kNever;
        Tenure migrates_to{};
        Generation migration = 0;  ///< under way, on record at this generation
        Generation declined_by_target = 0;
        Tenure arrives_from{};
        Time arrives_since = kNever;
        Generation declined = 0;  ///< as a target: up to here never accepted
        Generation accepted = 0;
    };
    struct Reading {
        OpId leases_op = 0;
        OpId slots_op = 0;
        Time sent = kNever;
        Time slots_sent = kNever;
        LeasesRead leases{};
    };
    struct Sent {
        OpId op = 0;
        Time sent = kNever;
        bool long_promise = false;
        EtcdId etcd = 0;
    };
    // What the planner has seen of starts that failed, by row.
    struct Failures {
        std::uint32_t count = 0;
        Time at = kNever;
        HostId host = kNoHost;
    };

    void on(const Tick&) {}
    void on(const BeatAnswered& event);
    void on(const EtcdChanged& event);
    void on(const SlotCreated& event);
    void on(const SlotWritten& event);
    void on(const LeasesRead& event);
    void on(const SlotsRead& event);
    void on(const LeaseSwapped& event);
    void on(const PlanSwapped& event);
    void on(const StorageFenced& event);
    void on(const Launched& event);
    void on(const GuestReady& event);
    void on(const Exited& event);
    void on(const CatalogueChanged& event);
    void on(const HostTakesMachines& event) { takes_machines_ = event.takes; }
    void on(const PowerOn& event);
    void on(const PowerOff& event);
    void on(const Adopt& event);
    void on(const MigrateIn& event);
    void on(const MigrateOut& event);
    void on(const SwitchoverReady& event);
    void on(const MigrationFailed& event);
    void on(const HandedOver& event);
    void on(const Declined& event);

    // heartbeats.cpp
    void beat_etcd();
    void beat_storage();
    void read_storage();
    void look_in_time();
    void join_if_quiet();
    void leave_if_fenced();
    void enter_epoch(Epoch epoch);
    ReportPtr report() const;
    void commit(Reading& reading);

    // ownership.cpp
    void consider_all();
    void consider(std::size_t row);
    void consider_running(std::size_t row, const Guarded& guarded);
    void consider_stopped(std::size_t row, const Guarded& guarded);
    void consider_given(std::size_t row, const Guarded& guarded);
    void consider_absent(std::size_t row);
    void consider_isolation();
    bool is_over(const Tenure& tenure, MachineId machine) const;
    bool is_takeable(std::size_t row) const;
    bool runs_elsewhere(std::size_t row) const;
    void swap(std::size_t row, Aim aim, const Tenure& owner, const Tenure& successor, bool wanted);
    void take(std::size_t row);
    void note_over(const Tenure& owner);

    // starting.cpp
    void won(std::size_t row);
    void launch(std::size_t row);
    void start_failed(std::size_t row, std::string_view why);

    // migration.cpp
    void consider_arriving(std::size_t row);
    void end_arrival(std::size_t row);
    void decline(std::size_t row, Generation generation, const Tenure& to);

    // planning.cpp
    void plan_restarts_now();
    RestartView view_of_cluster();
    std::vector<Assignment> standing_assignments();
    void collect_reports(RestartView& view);
    void note_waiting(const RestartPlan& plan);
    void take_assigned();

    std::size_t row_of(MachineId machine) const;
    MachineId id_of(std::size_t row) const { return catalogue_->machines[row].id; }
    void emit(Action action) { actions_.push_back(std::move(action)); }
    void note(Noted what, std::size_t row, std::string_view why = {}, const Tenure& about = {});
    OpId next_op() { return ++last_op_; }

    AgentSettings settings_;
    Fencer& fencer_;
    Observer observer_;
    CataloguePtr catalogue_;
    Time now_{};
    bool started_ = false;
    bool takes_machines_ = true;
    Epoch epoch_ = 0;        ///< 0: not joined
    Epoch tried_epoch_ = 0;  ///< the highest that a join was sent for
    OpId last_op_ = 0;
    OpId join_op_ = 0;
    Time join_sent_ = kNever;
    EtcdId join_etcd_ = 0;
    Time join_after_ = kNever;
    EtcdId etcd_ = 0;
    EtcdId named_etcd_ = 0;  ///< in the slot, and acknowledged
    std::uint64_t sequence_ = 0;
    Time next_beat_ = kNever;
    Time next_read_ = kNever;
    std::vector<Sent> beats_;
    std::vector<Sent> slot_writes_;
    std::vector<Reading> readings_;
    OpId last_reading_ = 0;
    std::vector<Local> locals_;
    PlanCell plan_{};
    OpId plan_op_ = 0;
    Time plan_sent_ = kNever;
    PlanCell plan_next_{};
    Time plan_since_ = kNever;  ///< candidates exist, and no plan of ours or another's for them
    std::vector<Failures> failures_;
    std::vector<Waiting> noted_waiting_;
    std::vector<Tenure> noted_over_;
    std::vector<Action> actions_;
};

}  // namespace drover::ha
