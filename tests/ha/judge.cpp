#include "judge.hpp"

#include <fmt/format.h>

namespace drover::ha::sim {

void Judge::violate(const std::string& what, Time now) {
    if (is_violated()) return;
    violation_ = fmt::format("{:.3f} s: {}",
                             static_cast<double>(now.time_since_epoch().count()) * 1e-6, what);
}

void Judge::wrote(MachineId machine, std::uint64_t process, Time now) {
    auto& disk = disks_[index_of(machine)];
    if (disk.superseded.contains(process)) {
        violate(fmt::format("a write of process {} landed on m{} after process {} had written",
                            process, index_of(machine), disk.last_writer),
                now);
    }
    if (disk.last_writer != process && disk.last_writer != 0) {
        disk.superseded.insert(disk.last_writer);
    }
    disk.last_writer = process;
}

void Judge::runs(MachineId machine, std::uint64_t process, bool does, Time now) {
    auto& disk = disks_[index_of(machine)];
    if (!does) {
        disk.running.erase(process);
        return;
    }
    disk.running.insert(process);
    if (disk.running.size() > 1) {
        violate(fmt::format("m{} runs twice", index_of(machine)), now);
    }
    if (disk.superseded.contains(process)) {
        violate(fmt::format("m{} goes on although another process wrote", index_of(machine)), now);
    }
    if (!disk.may_be_on) violate(fmt::format("m{} runs, but is off", index_of(machine)), now);
}

void Judge::made(HostId host, MachineId machine, bool beside_another, Time now) {
    if (!beside_another) return;
    violate(fmt::format("h{} makes a second process of m{}", index_of(host), index_of(machine)),
            now);
}

void Judge::swapped(MachineId machine, const Lease& before, const Lease& after, Time now) {
    auto& disk = disks_[index_of(machine)];
    if (after.generation != before.generation + 1) {
        violate(fmt::format("the lease of m{} went from {} to {}", index_of(machine),
                            before.generation, after.generation),
                now);
    }
    if (!after.wanted && before.wanted && !disk.asked_off) {
        violate(fmt::format("m{} was released, and nobody asked", index_of(machine)), now);
    }
}

void Judge::joined(HostId host, Epoch epoch, Time now) {
    auto& newest = epochs_[host];
    if (epoch <= newest) {
        violate(fmt::format("h{} joined in epoch {} after {}", index_of(host), epoch, newest), now);
    }
    newest = epoch;
}

void Judge::asked_on(MachineId machine) {
    disks_[index_of(machine)].may_be_on = true;
    disks_[index_of(machine)].asked_off = false;
}

void Judge::asked_off(MachineId machine) {
    disks_[index_of(machine)].asked_off = true;
}

void Judge::acked_off(MachineId machine) {
    disks_[index_of(machine)].may_be_on = false;
}

void Judge::fenced(HostId host, const char* what, Time now) {
    if (calm_)
        violate(fmt::format("h{}: {} although nothing of its was lost", index_of(host), what), now);
}

}  // namespace drover::ha::sim
