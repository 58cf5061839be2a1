// The worlds that a seed stands for.

#include <fmt/format.h>

#include <algorithm>

#include "profiles.hpp"

namespace drover::ha::sim {

namespace {

constexpr std::uint64_t kKinds = 26;  ///< of worlds
constexpr double kGibibyte = 1024.0 * 1024 * 1024;

StorageFencing fencing_of(std::uint64_t seed) {
    constexpr std::array kinds{StorageFencing::none, StorageFencing::gate,
                               StorageFencing::at_storage};
    return kinds[seed / kKinds % kinds.size()];
}

}  // namespace

CataloguePtr World::make_catalogue() {
    auto made = std::make_shared<Catalogue>();
    made->version = 1;
    made->starts_per_host = watch_order ? 2 : 4;
    made->failures_at_most = 1000;
    made->back_off_at_most = seconds{20};
    made->isolation.shut_down_for = seconds{15};
    for (std::uint32_t host = 0; host < how.hosts; ++host) {
        made->hosts.push_back(HostId{host});
        plan::Host shape;
        shape.name = fmt::format("h{}", host);
        shape.cpu_mhz = 100000;
        shape.memory_bytes = 64 * kGibibyte;
        made->shape.hosts.push_back(shape);
    }
    for (std::uint32_t machine = 0; machine < how.machines; ++machine) {
        ProtectedMachine config;
        config.id = MachineId{machine};
        const bool depends = how.with_dependencies && machine + 2 == how.machines;
        // What depends is as important as what it needs: no priority gives that order away.
        const auto rank = depends ? machine + 1 : machine;
        config.priority = static_cast<Priority>(how.one_priority ? 2 : rank * 2 % 5);
        config.ready_when = how.ready_when;
        config.ready_timeout = seconds{60};
        if (depends) config.depends_on.push_back(MachineId{machine + 1});
        if (!watch_order && chance(0.2)) config.isolation = IsolationResponse::power_off;
        if (!watch_order && chance(0.2)) config.isolation = IsolationResponse::shut_down;
        made->machines.push_back(config);
        plan::Machine shape;
        shape.name = fmt::format("m{}", machine);
        shape.memory_configured_bytes = 4 * kGibibyte;
        shape.memory_demand_bytes = 2 * kGibibyte;
        shape.cpu_demand_mhz = 1000;
        made->shape.machines.push_back(shape);
    }
    return made;
}

void World::begin() {
    catalogue = make_catalogue();
    for (int host = 0; host < static_cast<int>(hosts.size()); ++host) {
        auto& on = hosts[static_cast<std::size_t>(host)];
        on.rate = 1 + (dice.fraction() - 0.5) * 0.01;
        boot(host);
    }
    for (std::uint32_t machine = 0; begins_unguarded && machine < how.machines; ++machine) {
        if (machine % 3 == 2) continue;
        begin_unguarded(MachineId{machine}, pick(hosts.size()));
    }
    after(seconds{3}, [this] {
        for (std::uint32_t machine = 0; machine < how.machines; ++machine) {
            if (begins_unguarded && machine % 3 != 2) continue;
            judge.asked_on(MachineId{machine});
            tell(static_cast<int>(machine % hosts.size()), PowerOn{MachineId{machine}});
        }
    });
}

void World::expect_all_running(int channel) {
    for (std::size_t host = 0; host < hosts.size(); ++host) {
        if (!hosts[host].up) continue;
        for (const auto& left : hosts[host].fencer->machines()) {
            if (left.state != Guard::killed || left.process || left.writes_in_flight) continue;
            judge.violate(
                fmt::format("h{} keeps m{}, which has long ended", host, index_of(left.machine)),
                now);
        }
    }
    for (std::uint32_t machine = 0; machine < how.machines; ++machine) {
        if (channel >= 0 && storage_of(MachineId{machine}) != channel) continue;
        int copies = 0;
        int running_on = -1;
        for (int host = 0; host < static_cast<int>(hosts.size()); ++host) {
            const auto& on = hosts[static_cast<std::size_t>(host)];
            if (!on.up) continue;
            const auto& process = on.processes[machine];
            if (process && !process->dead) ++copies;
            if (process && process->executes) running_on = host;
        }
        const auto& lease = leases[machine];
        if (lease.wanted && running_on < 0) {
            judge.violate(fmt::format("m{} does not run again", machine), now);
        } else if (copies > 1) {
            judge.violate(fmt::format("m{} has {} processes at the end", machine, copies), now);
        } else if (lease.wanted &&
                   lease.owner.host != HostId{static_cast<std::uint32_t>(running_on)}) {
            judge.violate(fmt::format("m{} runs on h{}, not on its owner", machine, running_on),
                          now);
        }
    }
}

namespace {

// Everything at once, then peace, then everything must run.
void run_chaos(World& world, Duration faults_for) {
    world.launch_lost = 0.02;
    world.begin();
    Time at = Time{seconds{15}};
    const Time end = at + faults_for;
    while (at < end) {
        world.at(at, [&world] { world.fault(); });
        at += world.chance(0.6) ? world.between(milliseconds{100}, seconds{4})
                                : world.between(seconds{2}, seconds{12});
    }
    world.run_until(end + seconds{5});
    world.heal();
    world.run_until(end + seconds{125});
    world.heal();
    world.slow = 0;  // a slow answer may stop a machine for a moment, the last one too
    world.run_until(end + seconds{185});
    world.expect_all_running();
}

// The leader of etcd dies every few seconds, hostd is away: nothing may be fenced for it.
void run_calm(World& world) {
    world.slow = 0;
    world.launch_fails = 0;
    world.begin();
    world.run_until(Time{seconds{15}});
    world.judge.set_calm(true);
    for (int turn = 0; turn < 12; ++turn) {
        world.after(seconds{turn * 10} + world.between(Duration{0}, seconds{5}), [&world] {
            world.etcd_up = false;
            world.after(world.between(milliseconds{300}, milliseconds{6000}),
                        [&world] { world.etcd_up = true; });
        });
    }
    world.after(seconds{20}, [&world] {
        auto& on = world.hosts[0];
        on.hostd_up = false;
        if (world.how.adapter == AdapterFault::hostd_is_life) {
            world.stop_agent(0);
        } else {
            world.tell(0, HostTakesMachines{false});
        }
    });
    // The other of the two processes keeps the deadline, and the watchdog quiet.
    world.after(world.between(seconds{40}, seconds{80}), [&world] {
        auto& on = world.hosts.back();
        on.fencer_up = false;
        on.fencer_died = world.now;
        world.after(world.between(seconds{3}, seconds{7}), [&on] { on.fencer_up = true; });
    });
    world.run_until(Time{seconds{150}});
    world.expect_all_running();
}

std::vector<ProcessPtr> running_now(const World& world) {
    std::vector<ProcessPtr> all;
    for (const auto& host : world.hosts) {
        for (const auto& process : host.processes) {
            if (process && process->executes) all.push_back(process);
        }
    }
    return all;
}

// All links of all hosts are down for half a minute.
void run_storm(World& world) {
    world.slow = 0;
    world.begin();
    world.run_until(Time{seconds{20}} + world.between(Duration{0}, seconds{2}));
    const auto before = running_now(world);
    world.cut_all(seconds{30}, world.chance(0.5));
    if (world.chance(0.8)) {
        // One host is slower in coming back; nobody may snatch what it is about to continue.
        auto& slowest = world.hosts[static_cast<std::size_t>(world.pick(world.hosts.size()))];
        slowest.late_in[World::kStorage] = milliseconds{900};
        world.after(seconds{45}, [&slowest] { slowest.late_in = {}; });
    }
    world.run_until(world.now + seconds{110});
    for (const auto& process : before) {
        if (process->executes) continue;
        ++world.counts.lost_machines;
        if (world.how.fencing == StorageFencing::none) continue;
        world.judge.violate(fmt::format("m{} did not survive", index_of(process->machine)),
                            world.now);
    }
    world.expect_all_running();
}

// A blade is pulled, and nothing else happens.
void run_blade(World& world) {
    world.slow = 0;
    world.launch_fails = 0;
    world.begin();
    world.run_until(Time{seconds{20}} + world.between(Duration{0}, seconds{2}));
    world.incident = world.now;
    int fullest = 0;
    for (int host = 0; host < static_cast<int>(world.hosts.size()); ++host) {
        const auto owns = [&](const Lease& lease) {
            return lease.owner.host == HostId{static_cast<std::uint32_t>(host)};
        };
        if (std::ranges::any_of(world.leases, owns) && world.chance(0.5)) fullest = host;
    }
    world.reset(fullest, "pulled", seconds{60});
    world.run_until(world.now + seconds{14});
    world.expect_all_running();
}

// etcd has gone before: the slots alone are enough, and as quick.
void run_quorum_lost(World& world) {
    world.launch_fails = 0;
    world.slow = 0;
    world.begin();
    world.run_until(Time{seconds{20}});
    world.etcd_up = false;
    world.run_until(world.now + world.between(seconds{3}, seconds{20}));
    world.reset(world.pick(world.hosts.size()), "pulled", seconds{60});
    world.run_until(world.now + seconds{15});
    world.expect_all_running();
}

// All power is lost; everything comes back by itself, the important first.
void run_power_loss(World& world) {
    world.watch_order = true;
    world.launch_fails = 0;
    world.slow = 0;
    world.begin();
    world.watch_order = false;  // an administrator turns on what he likes
    world.run_until(Time{seconds{60}});
    world.watch_order = true;
    world.incident = world.now;
    world.launch_fails = 0.15;
    for (int host = 0; host < static_cast<int>(world.hosts.size()); ++host) {
        world.reset(host, "power loss", seconds{20} + world.between(Duration{0}, seconds{3}));
    }
    world.run_until(world.now + seconds{60});
    world.launch_fails = 0;
    world.run_until(world.now + seconds{60});
    world.expect_all_running();
}

}  // namespace

namespace {

struct Profile {
    std::string_view name;
    void (*run)(World&);
};

void run_chaos_of_usual_length(World& world) {
    run_chaos(world, seconds{150});
}

void run_chaos_of_moves(World& world) {
    world.migrates_much = true;
    run_chaos(world, seconds{150});
}

void run_chaos_of_unguarded(World& world) {
    world.begins_unguarded = true;
    run_chaos(world, seconds{100});
}

void run_chaos_of_slow_writes(World& world) {
    world.slow_writes = 0.1;
    run_chaos(world, seconds{100});
}

void run_chaos_of_two_datastores(World& world) {
    Time at = Time{seconds{15}};
    while (at < Time{seconds{115}}) {
        world.at(at, [&world] { world.fault_of_second_storage(); });
        at += world.between(seconds{2}, seconds{15});
    }
    run_chaos(world, seconds{100});
}

// Only the datastore on which nobody watches the others fails: nobody loses its permit, and where
// it is back everything runs on. A host that dies meanwhile is taken over.
void run_second_datastore(World& world) {
    world.slow = 0;
    world.launch_fails = 0;
    world.begin();
    world.run_until(Time{seconds{15}});
    world.judge.set_calm(true);
    for (int turn = 0; turn < 8; ++turn) {
        world.after(seconds{turn * 10} + world.between(Duration{0}, seconds{5}),
                    [&world] { world.fault_of_second_storage(); });
    }
    world.run_until(Time{seconds{95}});
    world.judge.set_calm(false);
    world.second_storage_up = world.chance(0.5);
    world.run_until(world.now + world.between(Duration{0}, seconds{20}));
    world.reset(world.pick(world.hosts.size()), "pulled", seconds{200});
    // However long the other one stays away: five seconds until it holds up nobody, some for
    // planning, those of a starting pair one after the other.
    world.run_until(world.now + seconds{20});
    world.expect_all_running(World::kStorage);
    world.heal();
    world.slow = world.launch_fails = 0;
    world.run_until(world.now + seconds{90});
    world.expect_all_running();
}

// By the seed's remainder: chance makes a third of the worlds, the others have one story each.
constexpr std::array<Profile, kKinds> kProfiles{{
    {"chaos", run_chaos_of_usual_length},
    {"chaos", run_chaos_of_usual_length},
    {"late_answers", run_late_answers},
    {"quorum_lost", run_quorum_lost},
    {"moves", run_chaos_of_moves},
    {"calm", run_calm},
    {"storm", run_storm},
    {"blade", run_blade},
    {"power_loss", run_power_loss},
    {"moves", run_chaos_of_moves},
    {"thaw", run_thaw},
    {"slot_order", run_slot_order},
    {"torn_slots", run_torn_slots},
    {"replaced_etcd", run_replaced_etcd},
    {"stuck_writes", run_stuck_writes},
    {"late_starts", run_late_starts},
    {"broken_moves", run_broken_moves},
    {"repeated_moves", run_repeated_moves},
    {"crowd", run_power_loss},
    {"slow_writes", run_chaos_of_slow_writes},
    {"late_reads", run_late_reads},
    {"short_gaps", run_short_gaps},
    {"chaos", run_chaos_of_usual_length},
    {"unguarded", run_chaos_of_unguarded},
    {"two_datastores", run_chaos_of_two_datastores},
    {"second_datastore", run_second_datastore},
}};

WorldSettings settings_of(std::uint64_t seed, std::string_view profile) {
    WorldSettings how{.seed = seed, .fencing = fencing_of(seed)};
    how.hosts = 2 + seed / (3 * kKinds) % 4;
    const bool is_odd = seed / kKinds % 2 == 1;
    how.with_dependencies = profile != "second_datastore";
    how.two_datastores = profile == "two_datastores" || profile == "second_datastore";
    if (profile == "power_loss" || profile == "crowd") how.ready_when = ReadyWhen::running;
    if (profile == "crowd") {
        how.one_priority = true;
        how.machines = 12;
        how.hosts = 2 + seed / (3 * kKinds) % 2;
    } else if (profile == "thaw" || (profile == "late_starts" && is_odd)) {
        how.fencing = StorageFencing::at_storage;
    } else if (profile == "stuck_writes" && how.fencing == StorageFencing::at_storage) {
        how.fencing = StorageFencing::none;
    }
    return how;
}

}  // namespace

std::string_view profile_of(std::uint64_t seed) {
    return kProfiles[seed % kKinds].name;
}

Outcome run_seed(std::uint64_t seed, AdapterFault adapter, bool trace) {
    const auto& profile = kProfiles[seed % kKinds];
    auto how = settings_of(seed, profile.name);
    how.adapter = adapter;
    how.trace = trace;
    World world(how);
    profile.run(world);
    return {world.judge.violation(), world.counts, world.timings, std::string(profile.name)};
}

}  // namespace drover::ha::sim
