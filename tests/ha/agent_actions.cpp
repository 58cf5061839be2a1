// What agents ask for, done to the world.

#include <fmt/format.h>

#include <algorithm>

#include "world.hpp"

namespace drover::ha::sim {

void World::perform(int host, Action action) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    if (const auto* beat = std::get_if<BeatEtcd>(&action)) {
        auto answer = std::make_shared<BeatAnswered>();
        answer->op = beat->op;
        request(
            host, kEtcd,
            [this, answer, mine = beat->beat, host, etcd = beat->etcd] {
                auto& stored = beats[etcd][static_cast<std::size_t>(host)];
                answer->mine = stored.who.epoch <= mine.who.epoch;
                if (answer->mine) stored = mine;
                for (const auto& each : beats[etcd]) {
                    if (each.who) answer->beats.push_back(each);
                }
            },
            [answer] { return Event{*answer}; }, true);
    } else if (const auto* start = std::get_if<Launch>(&action)) {
        launch(host, *start);
    } else if (const auto* off = std::get_if<PowerOffDone>(&action)) {
        ++counts.powered_off;
        say(fmt::format("m{} is off, says h{}", index_of(off->machine), host));
        judge.acked_off(off->machine);
    } else if (const auto* shut = std::get_if<ShutDownGuest>(&action)) {
        const auto process = on.processes[index_of(shut->machine)];
        if (!process) return;
        after(between(seconds{1}, seconds{20}), [=, this] { kill(host, *process); });
    } else if (const auto* noted = std::get_if<Note>(&action)) {
        perform(host, *noted);
    } else if (std::holds_alternative<OfferIncoming>(action) ||
               std::holds_alternative<BeginMigration>(action) ||
               std::holds_alternative<CancelMigration>(action) ||
               std::holds_alternative<HandOver>(action) ||
               std::holds_alternative<Decline>(action)) {
        perform_migration(host, action);
    } else {
        perform_storage(host, action);
    }
}

void World::perform(int host, const Note& noted) {
    if (how.trace) {
        say(fmt::format(
            "  h{} {}{}{}{}", host, text_of(noted.what),
            noted.machine ? fmt::format(": m{} at {}", index_of(*noted.machine), noted.generation)
                          : "",
            noted.about
                ? fmt::format(" (h{} epoch {})", index_of(noted.about.host), noted.about.epoch)
                : "",
            noted.why.empty() ? "" : fmt::format(", {}", noted.why)));
    }
    const HostId self{static_cast<std::uint32_t>(host)};
    switch (noted.what) {
        case Noted::joined:
            ++counts.joins;
            judge.joined(self, noted.about.epoch, now);
            break;
        case Noted::permit_lost:
            ++counts.permits_lost;
            judge.fenced(self, "lost its permit", now);
            break;
        case Noted::host_over:
            judge.fenced(self, "found a host over", now);
            if (!detected && incident > Time{}) {
                detected = true;
                timings.detected_s.push_back(static_cast<double>((now - incident).count()) * 1e-6);
            }
            break;
        case Noted::taking:
            ++counts.takes;
            break;
        case Noted::resumed:
            ++counts.resumes;
            break;
        case Noted::handed_over:
            ++counts.handed_over;
            break;
        case Noted::accepted:
            if (on_move && noted.machine) {
                on_move(Move::accepted, static_cast<int>(index_of(noted.about.host)), host,
                        *noted.machine);
            }
            break;
        case Noted::declined:
            ++counts.declined;
            break;
        case Noted::claimed:
            ++counts.claims;
            break;
        case Noted::adopted:
            ++counts.adopted;
            break;
        default:
            break;
    }
}

void World::launch(int host, const Launch& start) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    ++counts.launches;
    const auto machine = index_of(start.machine);
    const int boot = on.boot;
    const int busy = static_cast<int>(std::ranges::count(launching, host));
    const bool is_watched = watch_order && incident > Time{};
    if (is_watched && busy >= static_cast<int>(catalogue->starts_per_host)) {
        judge.violate(fmt::format("h{} starts {} machines at a time", host, busy + 1), now);
    }
    if (is_watched && first_run[machine] < incident && failed_start[machine] > incident &&
        now - failed_start[machine] < seconds{4}) {
        judge.violate(fmt::format("m{} is started again at once", machine), now);
    }
    launching[machine] = host;
    const bool is_lost = chance(launch_lost);  // hostd died in the middle of it
    const bool fails = !on.hostd_up || chance(launch_fails);
    const Duration wait =
        on.hostd_up ? between(milliseconds{50}, milliseconds{800}) : Duration{milliseconds{20}};
    after(wait, [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        launching[machine] = -1;
        if (then.boot != boot || !then.up) return;
        const auto* guarded = then.fencer->find(start.machine);
        if (guarded == nullptr || guarded->state != Guard::prepared ||
            guarded->generation != start.generation) {
            return;
        }
        if (fails) {
            failed_start[machine] = now;
        } else {
            const auto& older = then.processes[machine];
            judge.made(HostId{static_cast<std::uint32_t>(host)}, start.machine,
                       older && !older->dead, now);
            auto process = std::make_shared<Process>();
            process->id = ++processes_made;
            process->machine = start.machine;
            process->key = start.generation;
            process->made = now;
            then.processes[machine] = process;
            guest(host, boot, process);
            after(between(seconds{2}, seconds{6}), [=, this] {
                const bool same = hosts[static_cast<std::size_t>(host)].boot == boot;
                if (same && process->executes) tell(host, GuestReady{start.machine});
            });
        }
        if (is_lost) return;
        tell(host, Launched{start.machine, start.generation, !fails});
    });
}

void World::perform_migration(int host, const Action& action) {
    auto& on = hosts[static_cast<std::size_t>(host)];
    const auto tell_of = [&](Move move, HostId from, HostId to, MachineId machine) {
        if (!on_move) return;
        on_move(move, static_cast<int>(index_of(from)), static_cast<int>(index_of(to)), machine);
    };
    const HostId self{static_cast<std::uint32_t>(host)};
    if (const auto* offer = std::get_if<OfferIncoming>(&action)) {
        const auto& older = on.processes[index_of(offer->machine)];
        judge.made(self, offer->machine, older && !older->dead, now);
        tell_of(Move::offered, offer->from.host, self, offer->machine);
        auto process = std::make_shared<Process>();
        process->id = ++processes_made;
        process->machine = offer->machine;
        process->made = now;
        on.processes[index_of(offer->machine)] = process;
        guest(host, on.boot, process);
        send_message(
            static_cast<int>(index_of(offer->from.host)), Duration{0},
            [machine = offer->machine, to = offer->self] { return Event{MigrateOut{machine, to}}; },
            host);
    } else if (const auto* begin_it = std::get_if<BeginMigration>(&action)) {
        ++counts.migrations;
        tell_of(Move::begun, self, begin_it->to.host, begin_it->machine);
        copy_memory(host, *begin_it);
    } else if (const auto* cancel = std::get_if<CancelMigration>(&action)) {
        const auto process = on.processes[index_of(cancel->machine)];
        if (!process) return;
        process->at_switchover = false;
        settle(host, *process);
    } else if (const auto* give = std::get_if<HandOver>(&action)) {
        tell_of(Move::handed_over, self, give->to.host, give->machine);
        if (chance(migrates_much ? 0.2 : 0.05)) return;  // lost on the way
        const bool is_late = chance(late_words);
        send_message(
            static_cast<int>(index_of(give->to.host)),
            is_late ? between(seconds{1}, late_word) : Duration{milliseconds{1}},
            [event = HandedOver{give->machine, give->generation, give->to, give->self}] {
                return Event{event};
            },
            host);
    } else if (const auto* no = std::get_if<Decline>(&action)) {
        send_message(
            static_cast<int>(index_of(no->to.host)), Duration{0},
            [event = Declined{no->machine, no->generation}] { return Event{event}; }, host);
    }
}

void World::copy_memory(int host, const BeginMigration& begin_it) {
    const auto& on = hosts[static_cast<std::size_t>(host)];
    const auto process = on.processes[index_of(begin_it.machine)];
    const int boot = on.boot;
    after(between(milliseconds{100}, seconds{3}), [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        const auto& target = hosts[index_of(begin_it.to.host)];
        if (then.boot != boot || !process || process->dead) return;
        const bool linked = then.out[kEtcd] && target.in[kEtcd] && target.up;
        if (!linked || chance(0.1)) {
            tell(host, MigrationFailed{begin_it.machine, begin_it.generation});
            return;
        }
        process->at_switchover = true;
        settle(host, *process);
        if (chance(0.3)) {
            end_at_switchover(host, boot, process, begin_it.generation);
        } else {
            switch_over(host, boot, process, begin_it.generation);
        }
    });
}

// The engine sends all of it, waits for the other one's word that it is there, and ends the
// process; or lets it go on, if that word does not come.
void World::end_at_switchover(int host, int boot, ProcessPtr process, Generation generation) {
    after(between(milliseconds{2}, milliseconds{60}), [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.boot != boot || process->dead || !process->at_switchover) return;
        if (process->writes_under_way != 0) {
            return end_at_switchover(host, boot, process, generation);
        }
        if (chance(0.1)) {
            process->at_switchover = false;
            settle(host, *process);
            tell(host, MigrationFailed{process->machine, generation});
            return;
        }
        process->sent_at = generation;
        kill(host, *process);
        tell_when_gone(host, boot, process);
    });
}

void World::tell_when_gone(int host, int boot, ProcessPtr process) {
    after(between(milliseconds{1}, milliseconds{30}), [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.boot != boot) return;
        if (!process->reaped) return tell_when_gone(host, boot, process);
        tell(host, SwitchoverReady{process->machine, process->sent_at});
    });
}

// Asked again and again until the machine is handed over or goes on: QEMU stays in that state.
void World::switch_over(int host, int boot, ProcessPtr process, Generation generation) {
    after(between(milliseconds{2}, milliseconds{60}), [=, this] {
        auto& then = hosts[static_cast<std::size_t>(host)];
        if (then.boot != boot || process->dead || !process->at_switchover) return;
        const auto* guarded = then.fencer->find(process->machine);
        if (guarded != nullptr && guarded->state == Guard::given) return;
        if (process->writes_under_way == 0) {
            tell(host, SwitchoverReady{process->machine, generation});
        }
        switch_over(host, boot, process, generation);
    });
}

}  // namespace drover::ha::sim
