#pragma once

// What an agent is told, and what it asks for. An adapter carries the actions out, in any order and
// as late as the world makes it, and answers each request with at most one event of the same OpId.
// No answer is an answer too: the agent asks again by itself.

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "ha/protocol/heartbeat.hpp"
#include "ha/protocol/lease.hpp"
#include "ha/restart/catalogue.hpp"

namespace drover::ha {

// --- Events -------------------------------------------------------------------------------------

/// Time has passed; at the latest at Agent::next_wake().
struct Tick {};
/// The transaction went through; `mine` is false if etcd has a newer epoch of this host.
struct BeatAnswered {
    OpId op = 0;
    bool mine = true;
    std::vector<Beat> beats{};
};
/// From now on beats go there and nowhere else: the members have changed, or it is the first.
struct EtcdChanged {
    EtcdId etcd = 0;
};
struct SlotCreated {
    OpId op = 0;
    bool won = false;
};
struct SlotWritten {
    OpId op = 0;
};
/// In the order of the machines in the catalogue; nullopt: can't be read, which means unknown.
struct LeasesRead {
    OpId op = 0;
    std::vector<std::optional<Lease>> leases{};
    PlanCell plan{};
};
struct SlotsRead {
    OpId op = 0;
    std::vector<Slot> slots{};
};
struct LeaseSwapped {
    OpId op = 0;
    bool won = false;
};
struct PlanSwapped {
    OpId op = 0;
    bool won = false;
};
/// Older generations can't write any more.
struct StorageFenced {
    OpId op = 0;
    bool done = false;
};
/// The process exists, stopped before its first instruction; or there is none.
struct Launched {
    MachineId machine{};
    Generation generation = 0;
    bool done = false;
};
/// The guest answers: what dependencies wait for.
struct GuestReady {
    MachineId machine{};
};
struct Exited {
    MachineId machine{};
    bool by_guest = false;  ///< an orderly shutdown: the machine is off, not crashed
};
/// The protected machines and the hosts; of the newest version that the adapter has.
struct CatalogueChanged {
    CataloguePtr catalogue{};
};
/// hostd can start machines, and no maintenance.
struct HostTakesMachines {
    bool takes = true;
};

// An administrator's wishes, by way of hostd.
struct PowerOn {
    MachineId machine{};
};
struct PowerOff {
    MachineId machine{};
};
/// It has run here since before it was protected, under a lease of this generation that is this
/// host's and of no epoch. Said again until the machine is protected.
struct Adopt {
    MachineId machine{};
    Generation generation = 0;
};
/// To the target: make room and say as whom. Said again, it is still on its way.
/// Without an epoch `from` is whoever owns the lease.
struct MigrateIn {
    MachineId machine{};
    Tenure from{};
};
/// To the source: the target is ready in this tenure.
struct MigrateOut {
    MachineId machine{};
    Tenure to{};
};
/// Of the source: the machine stands still and has drained (QEMU's pre-switchover); or its process
/// is over, all that it was has been sent, and it has not run since.
struct SwitchoverReady {
    MachineId machine{};
    Generation generation = 0;
};
/// To the source: the machine stays. To the target: nothing comes any more.
struct MigrationFailed {
    MachineId machine{};
    Generation generation = 0;
};
/// To the target: the last of the state is here, and the machine is yours.
struct HandedOver {
    MachineId machine{};
    Generation generation = 0;
    Tenure to{};
    Tenure from{};
};
/// To the source: the target has not run the machine and never will.
struct Declined {
    MachineId machine{};
    Generation generation = 0;
};

using Event =
    std::variant<Tick, BeatAnswered, EtcdChanged, SlotCreated, SlotWritten, LeasesRead, SlotsRead,
                 LeaseSwapped, PlanSwapped, StorageFenced, Launched, GuestReady, Exited,
                 CatalogueChanged, HostTakesMachines, PowerOn, PowerOff, Adopt, MigrateIn,
                 MigrateOut, SwitchoverReady, MigrationFailed, HandedOver, Declined>;

// --- Actions ------------------------------------------------------------------------------------

struct BeatEtcd {
    OpId op = 0;
    Beat beat{};
    EtcdId etcd = 0;  ///< in this one only
};
/// Create the slot's file if nobody has: joining.
struct CreateSlot {
    OpId op = 0;
    Slot slot{};
};
struct WriteSlot {
    OpId op = 0;
    Slot slot{};
};
struct ReadLeases {
    OpId op = 0;
};
struct ReadSlots {
    OpId op = 0;
};
/// From `next.generation` - 1, in one compare-and-swap.
struct SwapLease {
    OpId op = 0;
    MachineId machine{};
    Lease next{};
};
struct SwapPlan {
    OpId op = 0;
    PlanCell next{};
};
struct FenceStorage {
    OpId op = 0;
    MachineId machine{};
    Generation below = 0;
};
/// Make the process, stopped; the fencer lets it run.
struct Launch {
    MachineId machine{};
    Generation generation = 0;
};
/// A process that waits for a machine; then tell `from` the tenure.
struct OfferIncoming {
    MachineId machine{};
    Tenure self{};
    Tenure from{};
};
/// The successor is on record: migrate, and pause before the switch-over.
struct BeginMigration {
    MachineId machine{};
    Generation generation = 0;
    Tenure to{};
};
struct CancelMigration {
    MachineId machine{};
    Generation generation = 0;
};
/// Send the last of the state, with the word that the machine is the target's.
struct HandOver {
    MachineId machine{};
    Generation generation = 0;
    Tenure to{};
    Tenure self{};
};
struct Decline {
    MachineId machine{};
    Generation generation = 0;
    Tenure to{};
};
struct PowerOffDone {
    MachineId machine{};
};
/// Isolation: ask the guest; it is killed if it has not ended in time.
struct ShutDownGuest {
    MachineId machine{};
};

/// For people: the timeline of an incident.
enum class Noted {
    joined,
    permit_lost,
    host_over,  ///< once of each tenure, without a machine
    taking,
    lost_swap,
    started,
    start_failed,
    resumed,
    killed_for_other,
    released,
    offered,
    planned,
    waits,
    handed_over,
    accepted,
    declined,
    claimed,
    adopted,
    isolated,
};
std::string_view text_of(Noted what);
/// One word, for programs: "host_over".
std::string_view word_of(Noted what);
struct Note {
    Noted what{};
    std::optional<MachineId> machine{};
    Tenure about{};
    Generation generation = 0;
    std::string_view why{};  ///< of static storage
    /// Of `about`, or of this host's own permit; less than zero: not looked at.
    Duration etcd_silent{-1};
    Duration storage_silent{-1};
};

using Action = std::variant<BeatEtcd, CreateSlot, WriteSlot, ReadLeases, ReadSlots, SwapLease,
                            SwapPlan, FenceStorage, Launch, OfferIncoming, BeginMigration,
                            CancelMigration, HandOver, Decline, PowerOffDone, ShutDownGuest, Note>;

}  // namespace drover::ha
