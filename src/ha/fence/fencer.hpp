#pragma once

// Holds the deadline. The fencer knows every machine of this host and datastore that has a process,
// and lets none write without a permit: it stops them before the permit ends, continues them when
// an acknowledgement comes in time, and when none comes freezes or kills what has not stopped, and
// at last resets the host.
//
// Its state is meant for memory that the fencer's process and the agent's process share (each call
// under one lock): whoever of the two lives keeps the deadline. It outlives both, not the host.
// Nothing is allocated in tick().

#include <span>
#include <utility>
#include <vector>

#include "ha/fence/guarded.hpp"
#include "ha/protocol/permit.hpp"

namespace drover::ha {

enum class FencerDo {
    pause,       ///< QMP stop, which drains
    run,         ///< QMP cont, with the storage key of the given generation
    freeze,      ///< cgroup.freeze
    close_gate,  ///< cut the machine's own storage connection, then freeze
    kill,        ///< cgroup.kill
    reset_host,  ///< at once, without a sync
    pet_watchdog,
};
struct FencerAction {
    FencerDo what{};
    MachineId machine{};
    Generation generation = 0;
    /// `run` only: whatever migration stopped the machine is over, cancel what is left of it. Else
    /// a machine at its switch-over stays as it is.
    bool ends_migration = false;
};

/// All that a fencer knows but what it is about to do, as plain values.
struct FencerState {
    Permit permit{};
    bool fenced = true;  ///< until the first join
    Time hard_end = kNever;
    Time last_pet = kNever;
    std::vector<Guarded> machines{};
};

class Fencer {
public:
    Fencer(const Timing& timing, StorageFencing fencing) : timing_(timing), fencing_(fencing) {}

    /// What the processes of this host are like now; then what the deadline asks for. To be called
    /// at least every next_tick().
    void tick(std::span<const Observation> observations, Time now);
    /// 20 ms while something is being stopped, else 100 ms; never past what is due.
    Duration next_tick(Time now) const;
    /// What to do, in order; empties the list.
    std::vector<FencerAction> take_actions() { return std::exchange(actions_, {}); }

    /// To and from the memory that both processes share. Actions must have been taken.
    FencerState state() const { return {permit_, fenced_, hard_end_, last_pet_, machines_}; }
    void restore(const FencerState& state);

    // The agent's side. ------------------------------------------------------------------------

    const Permit& permit() const { return permit_; }
    bool fenced() const { return fenced_; }
    Time deadline() const { return permit_.deadline(timing_); }
    /// A permit, and longer than the lead: machines may be started and continued.
    bool allows(Time now) const;
    /// A request of this epoch, sent then, was acknowledged now. False if it came too late; then
    /// the host is fenced, and only a new epoch leads back.
    bool acked_etcd(Epoch epoch, Time sent, Time now);
    bool acked_slot(Epoch epoch, bool long_promise, Time sent, Time now);
    /// The slot may carry the short promise from now on.
    void promised_short() { permit_.is_short = true; }
    /// Gives the permit up: the agent that kept it is gone.
    void drop_permit(Time now);
    /// Nothing of the host can write: it may join. Without a permit, the watchdog is petted on it.
    bool quiet() const;
    /// A new epoch, won by a request sent then.
    bool joined(Epoch epoch, Time sent, Time now);

    const Guarded* find(MachineId machine) const;
    std::span<const Guarded> machines() const { return machines_; }
    /// A process is about to be made, stopped: of a start (arriving = false) or as the receiving
    /// end of a migration. False without a permit, or while an older process is left.
    bool prepare(MachineId machine, Generation generation, bool arriving, Time now);
    /// A process that runs already, unguarded, is guarded from now on: its lease is about to name
    /// this tenure. False without a permit, or if it is guarded.
    bool adopt(MachineId machine, Generation generation, Time now);
    /// The prepared process may run. False if the permit is gone.
    bool start(MachineId machine, Generation generation, Time now);
    /// A machine that the loss of a permit stopped was won back at this generation.
    bool resume(MachineId machine, Generation generation, Time now);
    /// The lease of a running machine has moved on, still ours.
    void relabel(MachineId machine, Generation generation);
    /// The source, stopped and drained at switch-over, gives the machine away for good.
    bool hand_over(MachineId machine, Generation generation, Time now);
    /// The target takes it: runs as the successor that the lease of `generation` names.
    bool accept(MachineId machine, Generation generation, Epoch epoch, Time now);
    void kill(MachineId machine, Time now);
    /// Ended by itself: a crash, or a guest's shutdown. Gone when no write is left.
    void exited(MachineId machine, Time now);

private:
    Guarded* find_mutable(MachineId machine);
    void lose_permit(Time hard_end, Time now);
    void stop_before_end(Time now);
    void continue_in_time();
    void stop_undrained(Time now);
    void observe(std::span<const Observation> observations);
    void reset_if_stuck(Time now);
    void pet(Time now);
    bool can_write(const Guarded& machine) const;
    void act(FencerDo what, const Guarded& machine);

    Timing timing_;
    StorageFencing fencing_;
    Permit permit_{};
    bool fenced_ = true;  ///< until the first join
    Time hard_end_ = kNever;
    Time last_pet_ = kNever;
    std::vector<Guarded> machines_{};
    std::vector<FencerAction> actions_{};
};

}  // namespace drover::ha
