// Machines that ran before they were to be protected: their hosts' daemons have them adopted, and
// see to those that ended before that.

#include <fmt/format.h>

#include "world.hpp"

namespace drover::ha::sim {

namespace {
constexpr Duration kLooks = std::chrono::seconds{2};
}  // namespace

void World::begin_unguarded(MachineId machine, int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    auto process = std::make_shared<Process>();
    process->id = ++processes_made;
    process->machine = machine;
    process->key = 1;
    process->made = now;
    process->told_to_run = true;
    on.processes[index_of(machine)] = process;
    leases[index_of(machine)] = {
        .generation = 1, .owner = {HostId{static_cast<std::uint32_t>(host)}, 0}, .wanted = true};
    judge.asked_on(machine);
    settle(host, *process);
    guest(host, on.boot, process);
    after(between(seconds{2}, seconds{40}), [=, this] { look_at_unguarded(machine, host); });
}

// As long as its lease is this host's own, and of no epoch.
void World::look_at_unguarded(MachineId machine, int host) {
    auto& lease = leases[index_of(machine)];
    if (!lease.is_unguarded()) return;
    auto& on = hosts[static_cast<std::size_t>(host)];
    if (on.up && on.hostd_up && now >= on.frozen_until) {
        const auto& process = on.processes[index_of(machine)];
        const bool reaches_storage = storage_up && on.out[kStorage] && on.in[kStorage];
        if (process && !process->dead) {
            tell(host, Adopt{machine, lease.generation});
        } else if (!on.fencer->find(machine) && reaches_storage && chance(0.5)) {
            tell(host, PowerOn{machine});
        } else if (!on.fencer->find(machine) && reaches_storage) {
            // It was off by then; somebody turns it on again.
            const Lease off{.generation = lease.generation + 1};
            judge.asked_off(machine);
            judge.swapped(machine, lease, off, now);
            lease = off;
            judge.asked_on(machine);
            tell(host, PowerOn{machine});
            expect_power_on(machine, host);
            return;
        }
    }
    after(kLooks, [=, this] { look_at_unguarded(machine, host); });
}

// Who turns it on does so until it is on.
void World::expect_power_on(MachineId machine, int host) {
    after(seconds{5}, [=, this] {
        if (leases[index_of(machine)].wanted || !judge.may_be_on(machine)) return;
        tell(host, PowerOn{machine});
        expect_power_on(machine, host);
    });
}

}  // namespace drover::ha::sim
