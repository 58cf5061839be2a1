#include "had/fence/keeper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "had/boot_clock.hpp"
#include "had/fence/host_reset.hpp"

namespace drover::had {

namespace {

std::string uuid_of(const SharedMachine& machine) {
    return {machine.uuid.data(), ::strnlen(machine.uuid.data(), machine.uuid.size())};
}

constexpr ha::Duration kStraysEvery = std::chrono::seconds{1};
constexpr ha::Duration kRunAgain = std::chrono::milliseconds{100};

bool stands_still(ha::Guard state) {
    return state == ha::Guard::pausing || state == ha::Guard::paused ||
           state == ha::Guard::frozen || state == ha::Guard::given;
}

}  // namespace

Keeper::Keeper(SharedState& shared, KeeperSettings settings)
    : shared_(shared),
      settings_(std::move(settings)),
      fencer_(settings_.timing, ha::StorageFencing::none) {
    if (settings_.watchdog.empty()) return;
    watchdog_ = base::FileDescriptor(::open(settings_.watchdog.c_str(), O_WRONLY | O_CLOEXEC));
    if (!watchdog_) base::log_error("{} can't be opened", settings_.watchdog.string());
}

void Keeper::put_watchdog_away() {
    if (!watchdog_) return;
    [[maybe_unused]] const auto disarmed = ::write(watchdog_.get(), "V", 1);
    watchdog_.reset();
}

std::vector<pollfd> Keeper::descriptors() const {
    std::vector<pollfd> all;
    for (const auto& [number, link] : links_) {
        if (link.monitor && link.monitor->descriptor() >= 0) {
            all.push_back({link.monitor->descriptor(), POLLIN, 0});
        }
        // One that is over stays readable until its machine is forgotten.
        if (link.process.is_alive()) all.push_back({link.process.descriptor(), POLLIN, 0});
    }
    return all;
}

ha::Duration Keeper::tick() {
    auto transaction = shared_.begin();
    if (!transaction) {
        give_up();
        return std::chrono::milliseconds{20};
    }
    auto& image = transaction->image();
    const auto now = boot_now();
    image.load(fencer_);
    look(image);
    end_strays(image, now);
    end_what_runs_by_itself(image, now);
    std::vector<ha::Observation> seen;
    for (const auto& [number, link] : links_) {
        seen.push_back(observe(ha::MachineId{number}, image.machines[number], link));
    }
    fencer_.tick(seen, now);
    const auto actions = fencer_.take_actions();
    for (const auto& action : actions) image.note(action);
    image.save(fencer_);
    act(image);
    known_deadline_ = fencer_.fenced() ? ha::kNever : fencer_.deadline();
    const auto wait = fencer_.next_tick(now);
    transaction->commit();
    for (const auto& action : actions) {
        if (action.what == ha::FencerDo::pet_watchdog && watchdog_) {
            [[maybe_unused]] const auto petted = ::write(watchdog_.get(), "1", 1);
        }
        if (action.what == ha::FencerDo::reset_host && !std::exchange(was_reset_, true)) {
            reset_host(settings_.reset);
        }
    }
    return wait;
}

// Neither process lets the other at the state: no machine may outlive the permit because of that.
void Keeper::give_up() {
    if (boot_now() < known_deadline_) return;
    for (const auto& [number, link] : links_) link.process.kill();
}

void Keeper::look(SharedImage& image) {
    std::erase_if(links_, [&](const auto& each) {
        return each.first >= image.count || !image.machines[each.first].is_guarded;
    });
    for (std::uint32_t number = 0; number < image.count; ++number) {
        auto& machine = image.machines[number];
        if (machine.is_guarded) look_at(machine, links_[number]);
    }
}

void Keeper::look_at(SharedMachine& machine, Link& link) {
    if (link.process.pid() == 0 && machine.pid != 0) {
        link.process = Process(machine.pid, machine.started);
    }
    const bool is_heard = link.monitor && link.monitor->status() == QmpConnection::Status::ready;
    if (link.monitor) link.monitor->pump();
    // Whether it ran again unheard can't be told after its end: a keeper that has not heard itself
    // how it stood does not say that it has moved. One that is ending closes its monitor first, and
    // may still take a connection that it never greets: that changes nothing.
    if (is_heard) link.has_moved = link.monitor->has_migrated();
    connect(machine, link);
    machine.has_moved = link.has_moved;
    if (link.monitor && link.monitor->guest_is_off()) machine.ended_by_guest = true;
}

void Keeper::connect(SharedMachine& machine, Link& link) {
    using Status = QmpConnection::Status;
    const bool is_connected = link.monitor && link.monitor->status() != Status::lost &&
                              link.monitor->status() != Status::absent;
    if (!is_connected && (machine.pid == 0 || link.process.is_alive())) {
        link.monitor = QmpConnection::of(settings_.monitors, uuid_of(machine));
        if (link.monitor->status() == Status::absent) {
            link.monitor.reset();
        } else {
            link.monitor->pump();
        }
    }
    if (link.monitor && machine.pid == 0) {
        link.process = Process(link.monitor->process());
        machine.pid = link.process.pid();
        machine.started = link.process.started();
    }
}

ha::Observation Keeper::observe(ha::MachineId id, const SharedMachine& machine, const Link& link) {
    // One that was given up before it came to be has never run; should it still come, it is a
    // stray.
    const bool may_come = machine.launching && machine.guarded.state != ha::Guard::killed;
    const bool is_known = machine.pid != 0;
    const bool exists = is_known ? link.process.is_alive() : may_come || link.monitor.has_value();
    const bool stopped = exists && link.monitor && link.monitor->is_stopped();
    // Whether QEMU has written what it was asked to is known of one that stands still, and of one
    // that is over: the kernel ends it after its requests.
    return {.machine = id,
            .process = exists,
            .stopped = stopped,
            .writes_in_flight = exists && !stopped};
}

// A process that hostd began to make before it died, or that came too late: nobody knows it, and it
// holds the machine's disks. It has not run.
void Keeper::end_strays(const SharedImage& image, ha::Time now) {
    if (now - looked_for_strays_ < kStraysEvery) return;
    looked_for_strays_ = now;
    for (std::uint32_t number = 0; number < image.count; ++number) {
        const auto& machine = image.machines[number];
        if (machine.is_guarded || machine.is_free) continue;
        const QmpConnection monitor(settings_.monitors / (uuid_of(machine) + ".qmp"));
        if (monitor.status() == QmpConnection::Status::absent) continue;
        base::log_error("machine {} has a process that nobody asked for, it is ended",
                        uuid_of(machine));
        Process(monitor.process()).kill();
    }
}

// Somebody has continued it past us (an operator at libvirt): it may write without a permit.
void Keeper::end_what_runs_by_itself(SharedImage& image, ha::Time now) {
    for (auto& [number, link] : links_) {
        const auto& machine = image.machines[number];
        const bool may_run = machine.guarded.state == ha::Guard::running;
        if (may_run || !link.monitor || !link.monitor->runs_by_itself()) continue;
        if (machine.guarded.state == ha::Guard::killed) continue;
        base::log_error("machine {} was continued by somebody else, it is ended", uuid_of(machine));
        fencer_.kill(ha::MachineId{number}, now);
    }
}

void Keeper::act(SharedImage& image) {
    for (auto& [number, link] : links_) {
        auto& machine = image.machines[number];
        if (machine.is_guarded) act_on(machine, link, fencer_.deadline());
    }
}

// Its images may not be free yet, or its migration is not over yet.
void Keeper::run_again(SharedMachine& machine, Link& link) {
    const auto now = boot_now();
    if (link.monitor && link.monitor->take_refusal()) link.run_again = now + kRunAgain;
    if (!link.run_again || now < *link.run_again) return;
    link.run_again.reset();
    machine.runs = true;
}

void Keeper::act_on(SharedMachine& machine, Link& link, ha::Time deadline) {
    const auto state = machine.guarded.state;
    if (state == ha::Guard::running) run_again(machine, link);
    if (state == ha::Guard::killed) {
        link.process.kill();
    } else if (state == ha::Guard::running && machine.runs) {
        // This process may have stood still since it looked at the clock.
        if (!link.monitor || boot_now() >= deadline) return;
        if (link.monitor->want_running(machine.ends_migration)) machine.runs = false;
    } else if (stands_still(state) && link.monitor) {
        link.monitor->want_stopped();
    }
}

}  // namespace drover::had
