// What goes wrong.

#include <fmt/format.h>

#include <algorithm>

#include "world.hpp"

namespace drover::ha::sim {

void World::cut(int host, int channel, Duration how_long, bool out, bool in) {
    const auto index = static_cast<std::size_t>(channel);
    auto& on = hosts[static_cast<std::size_t>(host)];
    if (out) on.out[index] = false;
    if (in) on.in[index] = false;
    after(how_long, [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (out) then.out[index] = true;
        if (in) then.in[index] = true;
    });
}

// Machines have their disks and leases there, and hosts don't watch each other there.
void World::fault_of_second_storage() {
    ++counts.faults;
    const int host = pick(hosts.size());
    const Duration length =
        chance(0.3) ? between(seconds{12}, seconds{75}) : between(milliseconds{100}, seconds{12});
    auto& on = hosts[static_cast<std::size_t>(host)];
    const int kind = pick(5);
    say(fmt::format("fault {} of the second datastore at h{} for {:.1f} s", kind, host,
                    static_cast<double>(length.count()) * 1e-6));
    if (kind == 0) {
        second_storage_up = false;
        after(length, [this] { second_storage_up = true; });
    } else if (kind == 1) {
        const bool out = chance(0.5);
        cut(host, kSecondStorage, length, out, !out);
    } else if (kind == 2) {
        on.stalled_until[kSecondStorage] = std::max(on.stalled_until[kSecondStorage], now + length);
    } else {
        cut(host, kSecondStorage, length);
    }
}

void World::cut_all(Duration how_long, bool unevenly) {
    for (int host = 0; host < static_cast<int>(hosts.size()); ++host) {
        const Duration more = unevenly ? between(Duration{0}, seconds{3}) : Duration{0};
        cut(host, kEtcd, how_long + more);
        cut(host, kStorage, how_long + more);
    }
}

// By an empty one, of which the hosts hear one after the other: both answer meanwhile. What was
// under way to the old one still arrives there.
void World::replace_etcd() {
    beats.emplace_back(how.hosts);
    for (std::size_t host = 0; host < hosts.size(); ++host) {
        const Duration later =
            chance(0.4) ? between(Duration{0}, seconds{1}) : between(Duration{0}, seconds{40});
        after(later, [=, this, etcd = beats.size() - 1] {
            if (hosts[host].etcd >= etcd) return;
            hosts[host].etcd = etcd;
            tell(static_cast<int>(host), EtcdChanged{etcd});
        });
    }
}

void World::heal() {
    etcd_up = storage_up = second_storage_up = true;
    storage_full = false;
    unreadable = 0;
    slow = 0.01;
    launch_fails = 0.01;
    launch_lost = 0;
    for (auto& host : hosts) {
        host.out = {true, true, true};
        host.in = {true, true, true};
        host.late_out = host.late_in = host.read_lag = {};
        host.stalled_until = {};
        host.torn = false;
    }
}

void World::migrate_something() {
    const auto machine = static_cast<std::uint32_t>(pick(how.machines));
    const auto owner = leases[machine].owner.host;
    if (owner == kNoHost || leases[machine].is_unguarded()) return;
    const auto target = static_cast<std::uint32_t>(pick(hosts.size()));
    if (target == index_of(owner)) return;
    migrate(MachineId{machine}, static_cast<int>(target));
}

// Who asks may ask twice.
void World::migrate(MachineId machine, int target) {
    const auto ask = [=, this] {
        const auto owner = leases[index_of(machine)].owner;
        if (owner) tell(target, MigrateIn{machine, owner});
    };
    ask();
    if (chance(0.2)) after(between(milliseconds{1}, milliseconds{600}), ask);
}

void World::power_something() {
    const MachineId machine{static_cast<std::uint32_t>(pick(how.machines))};
    const auto& lease = leases[index_of(machine)];
    if (lease.is_unguarded()) return;
    if (!lease.wanted) {
        if (judge.may_be_on(machine)) return;  // its end is not acknowledged yet
        judge.asked_on(machine);
        say(fmt::format("an administrator turns m{} on", index_of(machine)));
        tell(pick(hosts.size()), PowerOn{machine});
        return;
    }
    if (lease.owner.host == kNoHost) return;
    judge.asked_off(machine);
    say(fmt::format("an administrator turns m{} off", index_of(machine)));
    tell(static_cast<int>(index_of(lease.owner.host)), PowerOff{machine});
}

enum class Fault : int {
    crash,
    cut_etcd,
    cut_storage,
    cut_both,
    one_way,
    etcd_down,
    etcd_leader,
    storage_down,
    storage_slow,
    storage_full,
    storage_unreadable,
    storage_long,
    flapping,
    some_etcd,
    agent_hangs,
    agent_restarts,
    fencer_dies,
    both_stop,
    host_freezes,
    hostd_down,
    qemu_crashes,
    storm,
    two_storms,
    clock_steps,
    migration,
    power,
    etcd_replaced,
    count
};

void World::fault() {
    ++counts.faults;
    const int host = pick(hosts.size());
    const Duration length =
        chance(0.25) ? between(seconds{12}, seconds{75}) : between(milliseconds{100}, seconds{12});
    auto kind = static_cast<Fault>(pick(static_cast<std::size_t>(Fault::count)));
    if (migrates_much && chance(0.4)) kind = Fault::migration;
    say(fmt::format("fault {} at h{} for {:.1f} s", static_cast<int>(kind), host,
                    static_cast<double>(length.count()) * 1e-6));
    switch (kind) {
        case Fault::migration:
            migrate_something();
            // And something happens in the middle of it.
            if (chance(0.7)) {
                after(between(milliseconds{50}, seconds{4}), [this] { fault(); });
            }
            break;
        case Fault::power:
            power_something();
            break;
        case Fault::count:
            break;
        default:
            fault_of_network(kind, host, length);
            fault_of_storage(kind, host, length);
            fault_of_process(kind, host, length);
            break;
    }
}

// Nothing if it is no fault of the network, or of all that a host is.
void World::fault_of_network(Fault kind, int host, Duration length) {
    switch (kind) {
        case Fault::crash:
            reset(host, "crash", between(seconds{15}, seconds{40}));
            break;
        case Fault::cut_etcd:
            cut(host, kEtcd, length);
            break;
        case Fault::cut_storage:
            cut(host, kStorage, length);
            break;
        case Fault::cut_both:
            cut(host, kEtcd, length);
            cut(host, kStorage, length);
            break;
        case Fault::one_way: {
            const bool out = chance(0.5);
            cut(host, kEtcd, length, out, !out);
            if (chance(0.5)) cut(host, kStorage, length, out, !out);
            break;
        }
        case Fault::etcd_down:
        case Fault::etcd_leader:
            etcd_up = false;
            after(kind == Fault::etcd_leader ? between(milliseconds{500}, milliseconds{2500})
                                             : length,
                  [this] { etcd_up = true; });
            break;
        case Fault::flapping:
            for (int turn = 0; turn < 8; ++turn) {
                after(between(Duration{0}, seconds{15}),
                      [=, this] { cut(host, pick(2), between(milliseconds{100}, seconds{3})); });
            }
            break;
        case Fault::some_etcd:
            for (int each = 0; each < static_cast<int>(hosts.size()); ++each) {
                if (chance(0.5)) cut(each, kEtcd, length);
            }
            break;
        case Fault::etcd_replaced:
            replace_etcd();
            break;
        case Fault::storm:
            cut_all(between(seconds{5}, seconds{40}), chance(0.5));
            break;
        case Fault::two_storms: {
            const Duration first = between(seconds{5}, seconds{20});
            const Duration second = between(seconds{5}, seconds{20});
            cut_all(first, false);
            after(first + between(milliseconds{200}, seconds{6}),
                  [=, this] { cut_all(second, true); });
            break;
        }
        default:
            break;
    }
}

// Nothing if it is no fault of the datastore.
void World::fault_of_storage(Fault kind, int host, Duration length) {
    switch (kind) {
        case Fault::storage_down:
            storage_up = false;
            after(length, [this] { storage_up = true; });
            break;
        case Fault::storage_slow:
            slow = 0.3;
            after(between(seconds{5}, seconds{20}), [this] { slow = 0.01; });
            break;
        case Fault::storage_full:
            storage_full = true;
            after(length, [this] { storage_full = false; });
            break;
        case Fault::storage_unreadable:
            unreadable = 0.2;
            after(length, [this] { unreadable = 0; });
            break;
        case Fault::storage_long:
            cut(host, kStorage, between(seconds{30}, seconds{90}));
            break;
        default:
            break;
    }
}

// Nothing if it is no fault of a host's processes and of its clock.
void World::fault_of_process(Fault kind, int host, Duration length) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    const int boot_then = on.boot;
    const auto later_on = [=, this](Duration wait, auto what) {
        after(wait, [=, this] {
            auto& then = hosts[static_cast<std::size_t>(host)];
            if (then.boot == boot_then && then.up) what(then);
        });
    };
    switch (kind) {
        case Fault::agent_hangs:
            if (on.up && on.fencer_up) {
                on.agent_hangs_until = std::max(on.agent_hangs_until, now + length);
            }
            break;
        case Fault::agent_restarts:
            if (!on.up || !on.agent_up || !on.fencer_up) break;
            stop_agent(host);
            later_on(between(milliseconds{200}, seconds{5}),
                     [=, this](Host&) { start_agent(host); });
            break;
        case Fault::fencer_dies:
            if (!on.up || !on.agent_up || !on.fencer_up || now < on.agent_hangs_until) break;
            on.fencer_up = false;
            on.fencer_died = now;
            later_on(between(milliseconds{200}, seconds{5}),
                     [](Host& then) { then.fencer_up = true; });
            break;
        case Fault::both_stop:
            if (!on.up || !on.agent_up || how.fencing == StorageFencing::at_storage) break;
            stop_agent(host);
            on.fencer_up = false;
            on.fencer_died = now;
            later_on(length, [=, this](Host& then) {
                then.fencer_up = true;
                start_agent(host);
            });
            break;
        case Fault::host_freezes:
            if (on.up) freeze(host, length);
            break;
        case Fault::hostd_down:
            if (!on.up) break;
            on.hostd_up = false;
            tell(host, HostTakesMachines{false});
            later_on(length, [=, this](Host& then) {
                then.hostd_up = true;
                tell(host, HostTakesMachines{true});
            });
            break;
        case Fault::qemu_crashes:
            for (auto& process : on.processes) {
                if (!on.up || !process || !process->executes || chance(0.5)) continue;
                kill(host, *process);
                if (chance(0.5)) tell(host, Exited{process->machine, false});
            }
            break;
        case Fault::clock_steps:
            on.wall_step += between(Duration{0}, seconds{20}) - Duration{seconds{10}};
            break;
        default:
            break;
    }
}

}  // namespace drover::ha::sim
