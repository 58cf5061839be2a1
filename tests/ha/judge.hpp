#pragma once

// What must hold, judged from the world itself: from processes, writes that landed, and leases as
// they changed. It shares nothing with the agent but the values.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ha/protocol/heartbeat.hpp"
#include "ha/protocol/lease.hpp"

namespace drover::ha::sim {

class Judge {
public:
    explicit Judge(std::size_t machines) : disks_(machines) {}

    bool is_violated() const { return !violation_.empty(); }
    const std::string& violation() const { return violation_; }
    void violate(const std::string& what, Time now);

    // The disk: once a newer process has written, an older one never may again.
    void wrote(MachineId machine, std::uint64_t process, Time now);
    /// The process executes (or does not any more); `counted`: it is judged beside others.
    void runs(MachineId machine, std::uint64_t process, bool does, Time now);
    /// A process is made on a host where an older one of the same machine may be alive.
    void made(HostId host, MachineId machine, bool beside_another, Time now);

    // Leases and epochs.
    void swapped(MachineId machine, const Lease& before, const Lease& after, Time now);
    void joined(HostId host, Epoch epoch, Time now);

    // Power.
    void asked_on(MachineId machine);
    void asked_off(MachineId machine);
    void acked_off(MachineId machine);
    bool may_be_on(MachineId machine) const { return disks_[index_of(machine)].may_be_on; }

    // A calm world: nothing may be stopped.
    void set_calm(bool calm) { calm_ = calm; }
    void fenced(HostId host, const char* what, Time now);

    bool is_running(MachineId machine) const { return !disks_[index_of(machine)].running.empty(); }

private:
    struct Disk {
        std::uint64_t last_writer = 0;
        std::set<std::uint64_t> superseded;
        std::set<std::uint64_t> running;
        bool may_be_on = false;
        bool asked_off = false;
    };
    std::vector<Disk> disks_;
    std::map<HostId, Epoch> epochs_;
    bool calm_ = false;
    std::string violation_;
};

}  // namespace drover::ha::sim
