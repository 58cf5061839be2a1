// Hosts: power, processes, and the programs that drive agent and fencer.

#include <fmt/format.h>

#include <algorithm>

#include "world.hpp"

namespace drover::ha::sim {

namespace {
constexpr Duration kOtherTicksAfter = milliseconds{200};
constexpr Duration kThawNoticed = milliseconds{150};
}  // namespace

void World::boot(int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    if (on.up) return;
    say(fmt::format("h{} boots", host));
    on.up = true;
    ++on.boot;
    on.offset = between(Duration{0}, seconds{1000});
    on.petted = now;
    on.frozen_until = on.agent_hangs_until = on.thawed = Time{};
    on.fencer_up = on.hostd_up = true;
    on.processes.assign(how.machines, nullptr);
    on.writes_under_way.assign(how.machines, 0);
    on.fencer = std::make_unique<Fencer>(timing, how.fencing);
    fencer_loop(host, on.boot);
    if (how.fencing != StorageFencing::at_storage) watchdog_loop(host, on.boot);
    start_agent(host);
}

void World::start_agent(int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    ++on.agent_life;
    on.agent_up = true;
    on.wakes_at = Time{};  // what is still to come was asked for by the one before
    on.agent = std::make_unique<Agent>(
        AgentSettings{
            .self = HostId{static_cast<std::uint32_t>(host)},
            .timing = timing,
            .fencing = how.fencing,
        },
        *on.fencer);
    step(host, EtcdChanged{on.etcd});
    step(host, CatalogueChanged{catalogue});
    if (!on.hostd_up) tell(host, HostTakesMachines{false});
}

void World::stop_agent(int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    ++on.agent_life;
    on.agent_up = false;
}

void World::reset(int host, const char* why, Duration down) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    if (!on.up) return;
    say(fmt::format("h{} is reset: {}", host, why));
    on.up = false;
    ++on.boot;
    stop_agent(host);
    on.crashed = now;
    for (auto& process : on.processes) {
        if (!process) continue;
        process->dead = true;
        process->died = now;
        settle(host, *process);
        process.reset();
    }
    after(down, [=, this] { boot(host); });
}

void World::step(int host, const Event& event) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    auto actions = on.agent->step(event, clock_of(host));
    perform_fencer(host);
    for (auto& action : actions) perform(host, std::move(action));
    if (on.up && on.agent_up) wake(host, on.agent->next_wake());
}

void World::wake(int host, Time local) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    const auto wait = static_cast<double>((local - clock_of(host)).count()) / on.rate;
    const Time when =
        now + Duration{std::max<std::int64_t>(1, static_cast<std::int64_t>(wait) + 1)};
    const int life = on.agent_life;
    if (on.wakes_at > now && on.wakes_at <= when) return;
    on.wakes_at = when;
    at(when, [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.agent_life != life) return;
        if (then.wakes_at == when) then.wakes_at = Time{};
        deliver(host, life, [] { return Event{Tick{}}; });
    });
}

void World::fencer_loop(int host, int boot) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    Duration wait = on.fencer->next_tick(clock_of(host)) + between(Duration{0}, milliseconds{2});
    if (now + wait < on.frozen_until)
        wait = on.frozen_until - now + between(Duration{100}, milliseconds{20});
    after(wait, [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.boot != boot || !then.up) return;
        if (now >= then.frozen_until) {
            // Two processes watch each other: when one is gone, the other keeps the deadline.
            const bool agent_can = then.agent_up && now >= then.agent_hangs_until &&
                                   now - then.fencer_died > kOtherTicksAfter &&
                                   how.adapter != AdapterFault::lonely_fencer;
            if (then.fencer_up || agent_can) fencer_tick(host);
        }
        if (then.boot == boot && then.up) fencer_loop(host, boot);
    });
}

void World::watchdog_loop(int host, int boot) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    at(std::max(now + milliseconds{watchdog_broken ? 500 : 0}, on.petted + timing.watchdog),
       [=, this] {
           auto& then = hosts[static_cast<std::size_t>(host)];
           if (then.boot != boot || !then.up) return;
           if (now - then.petted >= timing.watchdog && !watchdog_broken) {
               ++counts.watchdog_resets;
               judge.fenced(HostId{static_cast<std::uint32_t>(host)}, "watchdog", now);
               reset(host, "watchdog", between(seconds{15}, seconds{30}));
               return;
           }
           watchdog_loop(host, boot);
       });
}

void World::fencer_tick(int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    std::vector<Observation> seen;
    for (const auto& guarded : on.fencer->machines()) {
        const auto& process = on.processes[index_of(guarded.machine)];
        Observation each{.machine = guarded.machine, .process = false, .stopped = true};
        each.writes_in_flight = on.writes_under_way[index_of(guarded.machine)] > 0;
        if (process) {
            each.process = !process->reaped && !(process->dead && process->writes_under_way == 0);
            each.stopped = !process->told_to_run || how.adapter == AdapterFault::pause_is_assumed;
            if (how.adapter == AdapterFault::pause_is_assumed) each.writes_in_flight = false;
        }
        seen.push_back(each);
    }
    on.fencer->tick(seen, clock_of(host));
    perform_fencer(host);
}

void World::perform_fencer(int host) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    for (const auto& action : on.fencer->take_actions()) {
        do_fencer(host, action);
        if (!on.up) return;
    }
}

void World::do_fencer(int host, const FencerAction& action) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    const HostId self{static_cast<std::uint32_t>(host)};
    if (action.what == FencerDo::pet_watchdog) {
        on.petted = now;
        return;
    }
    if (action.what == FencerDo::reset_host) {
        if (reset_broken) return;
        ++counts.resets;
        judge.fenced(self, "reset", now);
        reset(host, "stuck writes", between(seconds{15}, seconds{30}));
        return;
    }
    const auto process = on.processes[index_of(action.machine)];
    if (!process) return;
    const auto command = ++process->command;
    const auto apply = [=, this](auto change) {
        if (process->command != command || process->dead) return;
        change();
        settle(host, *process);
    };
    switch (action.what) {
        case FencerDo::pause:
            judge.fenced(self, "paused a machine", now);
            after(between(milliseconds{1}, milliseconds{50}),
                  [=] { apply([=] { process->told_to_run = false; }); });
            break;
        case FencerDo::run:
            after(between(Duration{100}, milliseconds{2}), [=] {
                apply([=] {
                    if (action.ends_migration) process->at_switchover = false;
                    process->key = std::max(process->key, action.generation);
                    process->told_to_run = true;
                    process->frozen = process->gated = false;
                });
            });
            break;
        case FencerDo::freeze:
        case FencerDo::close_gate:
            process->frozen = true;
            process->gated = action.what == FencerDo::close_gate;
            settle(host, *process);
            break;
        case FencerDo::kill:
            kill(host, *process);
            break;
        case FencerDo::reset_host:
        case FencerDo::pet_watchdog:
            break;
    }
}

void World::kill(int host, Process& process) {
    if (process.dead) return;
    process.dead = true;
    process.died = now;
    settle(host, process);
    // One that waits for its storage in the kernel is not reaped before its writes are done.
    if (process.writes_under_way > 0 && chance(0.5)) return;
    const auto shared = hosts[static_cast<std::size_t>(host)].processes[index_of(process.machine)];
    if (shared.get() != &process) return;
    after(between(milliseconds{1}, milliseconds{50}), [shared] { shared->reaped = true; });
}

// Tells the judge whether the process executes.
void World::settle(int host, Process& process) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    const bool does = process.told_to_run && !process.at_switchover && !process.frozen &&
                      !process.dead && on.up && now >= on.frozen_until;
    if (does == process.executes) return;
    process.executes = does;
    const auto machine = index_of(process.machine);
    // A host that thaws late executes for a moment; the storage keeps its writes out.
    if (does && how.fencing == StorageFencing::at_storage && now - on.thawed < kThawNoticed &&
        on.thawed > Time{}) {
        const auto shared = on.processes[machine];
        process.executes = false;
        if (shared) after(kThawNoticed, [=, this] { settle(host, *shared); });
        return;
    }
    judge.runs(process.machine, process.id, does, now);
    say(fmt::format("m{} {} on h{} (process {}, generation {})", machine,
                    does ? "executes" : "stops", host, process.id, process.key));
    if (does && down_since[machine] != kNever && judge.is_running(process.machine)) {
        const Duration took = now - std::max(down_since[machine], incident);
        timings.running_s.push_back(static_cast<double>(took.count()) * 1e-6);
        down_since[machine] = kNever;
    } else if (!does && !judge.is_running(process.machine)) {
        down_since[machine] = now;
    }
    if (!does || first_run[machine] >= incident) return;
    first_run[machine] = now;
    if (!watch_order || incident == Time{}) return;
    const auto& config = catalogue->machines[machine];
    for (const auto& other : catalogue->machines) {
        const bool first =
            other.priority < config.priority ||
            std::ranges::find(config.depends_on, other.id) != config.depends_on.end();
        // Nobody waits for ever for a machine that does not start.
        const bool waits = now - incident < other.ready_timeout;
        if (first && waits && leases[index_of(other.id)].wanted &&
            first_run[index_of(other.id)] < incident) {
            judge.violate(fmt::format("m{} started before m{}", machine, index_of(other.id)), now);
        }
    }
}

void World::freeze(int host, Duration how_long) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    on.frozen_until = std::max(on.frozen_until, now + how_long);
    for (auto& process : on.processes) {
        if (process) settle(host, *process);
    }
    at(on.frozen_until, [=, this, boot = on.boot] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.boot != boot || !then.up || now < then.frozen_until) return;
        then.thawed = now;
        for (auto& process : then.processes) {
            if (!process) continue;
            const bool would = process->told_to_run && !process->frozen && !process->dead &&
                               !process->at_switchover;
            if (would) write(host, process);  // a machine may be quicker than the fencer
            settle(host, *process);
        }
    });
}

}  // namespace drover::ha::sim
