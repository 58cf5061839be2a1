// One story each, told a few times in a world that is otherwise almost calm.

#include <algorithm>
#include <functional>
#include <optional>

#include "profiles.hpp"

namespace drover::ha::sim {

namespace {

constexpr std::array kChannels{World::kEtcd, World::kStorage};

World::Host& host_of(World& world, int host) {
    return world.hosts[static_cast<std::size_t>(host)];
}

// The story, three times with some peace between; then everything must run.
void tell_often(World& world, Duration length, const std::function<void()>& story) {
    world.begin();
    world.run_until(Time{seconds{14}});
    for (int turn = 0; turn < 3; ++turn) {
        world.run_until(world.now + world.between(Duration{}, seconds{2}));
        ++world.counts.faults;
        story();
        world.run_until(world.now + length);
        world.heal();
        world.run_until(world.now + seconds{25});
    }
    world.on_move = {};
    world.watchdog_broken = world.reset_broken = false;
    world.slow_writes = 0;
    world.run_until(world.now + seconds{80});
    world.slow = 0;
    world.run_until(world.now + seconds{50});
    world.expect_all_running();
}

std::optional<int> someone_with_machines(World& world) {
    std::vector<int> all;
    for (int host = 0; host < static_cast<int>(world.hosts.size()); ++host) {
        const auto& processes = host_of(world, host).processes;
        const bool busy = std::ranges::any_of(
            processes, [](const ProcessPtr& each) { return each && each->executes; });
        if (busy && host_of(world, host).up) all.push_back(host);
    }
    if (all.empty()) return std::nullopt;
    return all[static_cast<std::size_t>(world.pick(all.size()))];
}

void cut_both(World& world, int host, Duration length, bool out = true, bool in = true) {
    for (const int channel : kChannels) world.cut(host, channel, length, out, in);
}

void restart_agent(World& world, int host, Duration away) {
    auto& on = host_of(world, host);
    if (!on.up || !on.agent_up || !on.fencer_up) return;
    world.stop_agent(host);
    world.after(away, [&world, host, boot = on.boot] {
        const auto& then = host_of(world, host);
        if (then.up && then.boot == boot) world.start_agent(host);
    });
}

}  // namespace

void run_late_answers(World& world) {
    tell_often(world, seconds{14}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        const Duration late = world.between(seconds{2}, seconds{6});
        for (const int channel : kChannels) {
            host_of(world, *host).late_in[static_cast<std::size_t>(channel)] = late;
        }
        world.after(world.between(milliseconds{200}, milliseconds{1500}),
                    [&world, host] { cut_both(world, *host, seconds{10}, true, false); });
    });
}

void run_short_gaps(World& world) {
    tell_often(world, seconds{12}, [&world] {
        for (int host = 0; host < static_cast<int>(world.hosts.size()); ++host) {
            if (world.chance(0.6)) continue;
            const Duration wait = world.between(Duration{}, seconds{5});
            world.after(wait, [&world, host] {
                cut_both(world, host, world.between(milliseconds{1800}, milliseconds{3000}));
                if (world.how.fencing == StorageFencing::at_storage || world.chance(0.6)) return;
                // Just as it goes on: what it had sent must not outlive what the watchdog allows.
                world.after(world.between(milliseconds{2000}, milliseconds{3200}), [&world, host] {
                    if (!host_of(world, host).up) return;
                    world.freeze(host, world.between(milliseconds{500}, seconds{5}));
                });
            });
        }
    });
}

void run_thaw(World& world) {
    tell_often(world, seconds{14}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        const Duration length = world.between(milliseconds{4300}, milliseconds{5400});
        host_of(world, *host).stalled_until.fill(world.now + length);
        const Duration before = world.between(milliseconds{2000}, milliseconds{3000});
        world.after(before, [&world, host, left = length - before] {
            world.freeze(*host, left + world.between(milliseconds{1}, milliseconds{200}));
        });
    });
}

void run_slot_order(World& world) {
    tell_often(world, seconds{60}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        const Duration until_cut = world.between(seconds{2}, seconds{9});
        if (world.chance(0.3)) {
            // What a dead agent sent to join arrives in the end.
            auto& mine = world.slots[static_cast<std::size_t>(*host)];
            const Epoch newest = mine.empty() ? 0 : mine.back().who.epoch;
            mine.push_back({.who = {HostId{static_cast<std::uint32_t>(*host)},
                                    newest + 1 + static_cast<Epoch>(world.pick(2))},
                            .promise = world.timing.takeover});
        } else {
            world.cut(*host, World::kEtcd, world.between(milliseconds{1500}, milliseconds{4500}));
            host_of(world, *host).late_out[World::kStorage] =
                world.between(milliseconds{500}, milliseconds{2800});
        }
        if (world.chance(0.5)) {
            world.after(world.between(milliseconds{1000}, until_cut), [&world, host] {
                restart_agent(world, *host, world.between(milliseconds{20}, milliseconds{400}));
            });
        }
        world.after(until_cut, [&world, host] {
            world.cut(*host, World::kStorage, world.between(seconds{8}, seconds{45}));
        });
    });
}

void run_torn_slots(World& world) {
    tell_often(world, seconds{30}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        host_of(world, *host).torn = true;
        const Duration wait = world.between(Duration{}, seconds{3});
        world.after(wait, [&world, host] {
            const Duration length = world.between(seconds{5}, seconds{15});
            world.cut(*host, World::kEtcd, length);
            if (world.chance(0.2)) world.reset(*host, "crash", seconds{20});
        });
        world.after(world.between(seconds{6}, seconds{28}),
                    [&world, host] { host_of(world, *host).torn = false; });
    });
}

void run_replaced_etcd(World& world) {
    tell_often(world, seconds{50}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        world.replace_etcd();
        world.after(world.between(Duration{}, seconds{20}), [&world, host] {
            const Duration length = world.between(seconds{5}, seconds{35});
            world.cut(*host, World::kStorage, length);
            if (world.chance(0.2)) {
                world.reset(*host, "crash", seconds{20});
            } else if (world.chance(0.3)) {
                world.after(seconds{2}, [&world] { world.replace_etcd(); });
            }
        });
    });
}

void run_late_reads(World& world) {
    tell_often(world, seconds{16}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        host_of(world, *host).late_out.fill(milliseconds{1800});
        for (int other = 0; other < static_cast<int>(world.hosts.size()); ++other) {
            if (other == *host) continue;
            world.after(world.between(seconds{2}, seconds{4}), [&world, other] {
                auto& on = host_of(world, other);
                on.read_lag.fill(world.between(milliseconds{4000}, milliseconds{5500}));
                world.after(seconds{9}, [&on] { on.read_lag = {}; });
            });
        }
    });
}

void run_stuck_writes(World& world) {
    world.slow_writes = 0.3;
    (world.chance(0.5) ? world.watchdog_broken : world.reset_broken) = true;
    tell_often(world, seconds{25}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        if (world.chance(0.6)) {
            cut_both(world, *host, world.between(milliseconds{2600}, milliseconds{3800}));
        } else {
            cut_both(world, *host, world.between(seconds{3}, seconds{16}));
        }
    });
}

void run_late_starts(World& world) {
    tell_often(world, seconds{22}, [&world] {
        const auto host = someone_with_machines(world);
        if (!host) return;
        world.reset(*host, "crash", seconds{25});
        for (int other = 0; other < static_cast<int>(world.hosts.size()); ++other) {
            if (other == *host || world.chance(0.3)) continue;
            world.after(world.between(milliseconds{3900}, milliseconds{5200}), [&world, other] {
                const Duration length = world.between(seconds{4}, seconds{9});
                world.cut(other, World::kEtcd, length);
                auto& on = host_of(world, other);
                on.late_in[World::kStorage] = world.between(seconds{3}, seconds{7});
                world.after(length, [&on] { on.late_in = {}; });
            });
        }
    });
}

namespace {

void break_something(World& world, int from, int to) {
    switch (world.pick(9)) {
        case 0:
            world.reset(from, "crash", seconds{20});
            break;
        case 1:
            world.reset(to, "crash", seconds{20});
            break;
        case 2:
        case 3:
            // It hears, and can't say a word.
            cut_both(world, to, world.between(seconds{6}, seconds{15}), true, false);
            break;
        case 4:
            cut_both(world, from, world.between(seconds{3}, seconds{15}));
            break;
        case 5:
        case 6:
            // The machine runs at the target, who can't say so.
            world.cut(to, World::kStorage, world.between(seconds{8}, seconds{38}));
            world.reset(from, "crash", seconds{30});
            break;
        case 7:
            restart_agent(world, world.chance(0.5) ? from : to,
                          world.between(milliseconds{50}, seconds{2}));
            break;
        default:
            cut_both(world, from, seconds{8});
            cut_both(world, to, world.between(seconds{6}, seconds{10}));
            break;
    }
}

}  // namespace

void run_broken_moves(World& world) {
    world.late_words = 0.4;
    tell_often(world, seconds{45}, [&world] {
        const auto phase = static_cast<Move>(world.pick(4));
        auto done = std::make_shared<bool>(false);
        world.on_move = [&world, phase, done](Move move, int from, int to, MachineId) {
            if (move != phase || *done) return;
            *done = true;
            const Duration wait = world.chance(0.5) ? world.between(Duration{}, milliseconds{30})
                                                    : world.between(Duration{}, milliseconds{800});
            world.after(wait, [&world, from, to] { break_something(world, from, to); });
        };
        world.migrate_something();
        for (int again = 1; again < 10; ++again) {
            world.after(milliseconds{300 * again}, [&world, done] {
                if (!*done) world.migrate_something();
            });
        }
    });
}

void run_repeated_moves(World& world) {
    world.late_words = 0.7;
    world.late_word = seconds{20};
    tell_often(world, seconds{45}, [&world] {
        const MachineId machine{static_cast<std::uint32_t>(world.pick(world.how.machines))};
        const int to = world.pick(world.hosts.size());
        const bool restarts = world.chance(0.5);
        world.on_move = [&world, machine, restarts](Move move, int, int target, MachineId moved) {
            if (move != Move::handed_over || moved != machine) return;
            if (!restarts || world.chance(0.3)) return;
            world.after(world.between(Duration{}, seconds{2}), [&world, target] {
                restart_agent(world, target, world.between(milliseconds{20}, milliseconds{500}));
            });
        };
        for (Duration wait{}; wait < seconds{40};
             wait += world.between(milliseconds{200}, milliseconds{900})) {
            world.after(wait, [&world, machine, to] {
                const auto owner = world.leases[index_of(machine)].owner;
                const auto self = HostId{static_cast<std::uint32_t>(to)};
                if (owner.host != self || world.chance(0.05)) world.migrate(machine, to);
            });
        }
    });
}

}  // namespace drover::ha::sim
