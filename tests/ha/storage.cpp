// The datastore: leases and slots by compare-and-swap, and what guests write.

#include <fmt/format.h>

#include <algorithm>

#include "world.hpp"

namespace drover::ha::sim {

namespace {
constexpr std::size_t kSlotsKept = 3;
constexpr Duration kDeadWriterGivesUp = seconds{20};
}  // namespace

void World::read_leases(int host, OpId op) {
    auto read = std::make_shared<LeasesRead>();
    read->op = op;
    read->leases.resize(leases.size());
    const auto go_on = [=, this] {
        request(
            host, kStorage,
            [this, read, host] {
                read_some_leases(host, kStorage, *read);
                read->plan = plan;
            },
            [read] { return Event{*read}; }, true);
    };
    if (!how.two_datastores) return go_on();
    // All are read side by side; those of a datastore that does not answer are unknown.
    const Duration wait = between(Duration{}, milliseconds{200});
    read_side_by_side(host, read, go_on, wait);
}

void World::read_side_by_side(int host, const std::shared_ptr<LeasesRead>& read,
                              const std::function<void()>& go_on, Duration wait) {
    after(wait, [=, this] {
        const auto& from = hosts[static_cast<std::size_t>(host)];
        const bool answers = second_storage_up && from.out[kSecondStorage] &&
                             from.in[kSecondStorage] && from.stalled_until[kSecondStorage] <= now;
        if (!answers && how.adapter == AdapterFault::waits_for_all) {
            read_side_by_side(host, read, go_on, milliseconds{200});
            return;
        }
        auto& late = hosts[static_cast<std::size_t>(host)].late_leases;
        for (std::size_t row = 0; late && row < leases.size(); ++row) {
            if (late->leases[row]) read->leases[row] = late->leases[row];
        }
        late.reset();
        if (answers && chance(0.1)) {
            late = std::make_shared<LeasesRead>();
            late->leases.resize(leases.size());
            read_some_leases(host, kSecondStorage, *late);
        } else if (answers) {
            read_some_leases(host, kSecondStorage, *read);
        }
        go_on();
    });
}

void World::read_some_leases(int host, int channel, LeasesRead& read) {
    for (std::size_t row = 0; row < leases.size(); ++row) {
        if (storage_of(MachineId{static_cast<std::uint32_t>(row)}) != channel) continue;
        read.leases[row] = leases[row];
        // Whose it is then, and whether that host lives, only that host can know.
        const bool is_own = leases[row].owner.host == HostId{static_cast<std::uint32_t>(host)};
        if (leases[row].is_unguarded() && !is_own) read.leases[row].reset();
        if (unreadable > 0 && chance(unreadable)) read.leases[row].reset();
    }
}

void World::swap_lease(int host, const SwapLease& swap) {
    auto won = std::make_shared<bool>(false);
    request(
        host, storage_of(swap.machine),
        [this, swap, won, host] {
            auto& lease = leases[index_of(swap.machine)];
            if (storage_full || lease.generation + 1 != swap.next.generation) return;
            judge.swapped(swap.machine, lease, swap.next, now);
            lease = swap.next;
            *won = true;
            say(fmt::format("lease of m{} at {}: owner h{} epoch {}, successor h{}, {} (by h{})",
                            index_of(swap.machine), lease.generation,
                            static_cast<int>(index_of(lease.owner.host)), lease.owner.epoch,
                            static_cast<int>(index_of(lease.successor.host)),
                            lease.wanted ? "wanted" : "off", host));
        },
        [swap, won] { return Event{LeaseSwapped{swap.op, *won}}; });
}

void World::perform_storage(int host, const Action& action) {
    if (const auto* create = std::get_if<CreateSlot>(&action)) {
        auto won = std::make_shared<bool>(false);
        request(
            host, kStorage,
            [this, slot = create->slot, won, host] {
                auto& mine = slots[static_cast<std::size_t>(host)];
                const auto same = [&](const Slot& each) { return each.who == slot.who; };
                if (storage_full || std::ranges::any_of(mine, same)) return;
                mine.push_back(slot);
                // The newest are kept, by number: what a dead agent sent may arrive after them.
                std::ranges::sort(mine, {}, [](const Slot& each) { return each.who.epoch; });
                if (mine.size() > kSlotsKept) mine.erase(mine.begin());
                *won = true;
            },
            [op = create->op, won] { return Event{SlotCreated{op, *won}}; });
    } else if (const auto* update = std::get_if<WriteSlot>(&action)) {
        request(
            host, kStorage,
            [this, slot = update->slot, host] {
                for (auto& each : slots[static_cast<std::size_t>(host)]) {
                    if (each.who == slot.who) each = slot;
                }
            },
            [op = update->op] { return Event{SlotWritten{op}}; });
    } else if (const auto* leases_of = std::get_if<ReadLeases>(&action)) {
        read_leases(host, leases_of->op);
    } else if (const auto* all = std::get_if<ReadSlots>(&action)) {
        auto read = std::make_shared<SlotsRead>();
        read->op = all->op;
        request(
            host, kStorage,
            [this, read] {
                for (const auto& of_host : slots) {
                    for (const auto& slot : of_host) {
                        read->slots.push_back(slot);
                        const bool torn_now = unreadable > 0 && chance(unreadable);
                        if (torn_now || hosts[index_of(slot.who.host)].torn) {
                            // Garbage, as a torn read shows it.
                            auto& torn = read->slots.back();
                            torn.readable = false;
                            torn.sequence = 0;
                            torn.promise = {};
                        }
                    }
                }
            },
            [read] { return Event{*read}; }, true);
    } else if (const auto* swap = std::get_if<SwapLease>(&action)) {
        swap_lease(host, *swap);
    } else if (const auto* next = std::get_if<SwapPlan>(&action)) {
        auto won = std::make_shared<bool>(false);
        request(
            host, kStorage,
            [this, cell = next->next, won] {
                if (storage_full || plan.generation + 1 != cell.generation) return;
                plan = cell;
                *won = true;
            },
            [op = next->op, won] { return Event{PlanSwapped{op, *won}}; });
    } else if (const auto* fence = std::get_if<FenceStorage>(&action)) {
        request(
            host, storage_of(fence->machine),
            [this, machine = fence->machine, below = fence->below] {
                auto& bar = fenced_below[index_of(machine)];
                bar = std::max(bar, below);
            },
            [op = fence->op] { return Event{StorageFenced{op, true}}; });
    }
}

// A third of the machines write often, a third now and then, the rest seldom.
void World::guest(int host, int boot, ProcessPtr process) {
    const auto machine = index_of(process->machine);
    Duration wait = between(milliseconds{60}, milliseconds{250});
    if (machine % 3 == 1) wait = between(milliseconds{300}, seconds{2});
    if (machine % 3 == 2) wait = between(seconds{3}, seconds{12});
    after(wait, [=, this] {
        auto& on = hosts[static_cast<std::size_t>(host)];
        if (!on.up || on.boot != boot || process->dead) return;
        if (process->executes && now >= on.frozen_until) write(host, process);
        guest(host, boot, process);
    });
}

void World::write(int host, ProcessPtr process) {
    if (process->writes_under_way >= 4) return;
    auto& on = hosts[static_cast<std::size_t>(host)];
    ++process->writes_under_way;
    ++on.writes_under_way[index_of(process->machine)];
    ++counts.writes;
    const Write sent{host, on.boot, process, process->key, chance(0.5)};
    const int channel = storage_of(process->machine);
    Duration wait = delay(channel);
    // Where there is only one it is mounted hard, and what stalls is what agents ask.
    const Time stalled = on.stalled_until[static_cast<std::size_t>(channel)];
    if (channel == kSecondStorage && stalled > now) wait += stalled - now;
    if (slow_writes > 0 && chance(slow_writes)) wait += between(seconds{1}, seconds{14});
    after(wait, [=, this] { land(sent); });
}

void World::land(Write write) {
    auto& on = hosts[static_cast<std::size_t>(write.host)];
    auto& process = *write.process;
    if (on.boot != write.boot) return;  // a reset takes along what the host had queued
    const auto forget = [&] {
        --process.writes_under_way;
        --on.writes_under_way[index_of(process.machine)];
    };
    if (process.dead && (process.gated || now - process.died > kDeadWriterGivesUp)) {
        forget();
        return;
    }
    if (process.gated) {
        after(milliseconds{200}, [=, this] { land(write); });
        return;
    }
    if (now < on.frozen_until && write.in_host_queue) {
        at(on.frozen_until + between(Duration{100}, milliseconds{20}), [=, this] { land(write); });
        return;
    }
    const int channel = storage_of(process.machine);
    if (!is_up(channel) || !on.out[static_cast<std::size_t>(channel)]) {
        after(between(milliseconds{100}, milliseconds{500}), [=, this] { land(write); });
        return;
    }
    if (how.fencing == StorageFencing::at_storage &&
        write.key < fenced_below[index_of(process.machine)]) {
        ++counts.rejected;
    } else {
        judge.wrote(process.machine, process.id, now);
    }
    acknowledge(write, between(Duration{200}, milliseconds{3}));
}

void World::acknowledge(Write write, Duration wait) {
    after(wait, [=, this] {
        auto& on = hosts[static_cast<std::size_t>(write.host)];
        if (on.boot != write.boot) return;
        const int channel = storage_of(write.process->machine);
        if (!is_up(channel) || !on.in[static_cast<std::size_t>(channel)]) {
            acknowledge(write, milliseconds{500});
            return;
        }
        --write.process->writes_under_way;
        --on.writes_under_way[index_of(write.process->machine)];
    });
}

}  // namespace drover::ha::sim
