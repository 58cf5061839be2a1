#include "hypervisor/simulated/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "hypervisor/simulated/save_image.hpp"

namespace drover::hypervisor {
namespace simulated {

Engine::Engine(SimulatedOptions options, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      made_at_(clock.wall_now()),
      rules_(options_.faults, options_.faults_file, options_.seed),
      journal_(options_.journal),
      host_asked_at_(made_at_) {
    for (RunningDomain& domain : journal_.read()) {
        last_run_ = std::max(last_run_, domain.run);
        if (domain.state == DomainState::paused) domain.paused_at = made_at_;
        if (!agent_answers(domain)) expect_agent(domain);
        domains_.emplace(domain.uuid, std::move(domain));
    }
    events_.push(ConnectionEvent{true});
    if (!options_.migration_socket.empty()) {
        doorway_ = std::make_unique<Doorway>(options_.migration_socket,
                                             [this](LineSocket& source) { receive(source); });
    }
}

void Engine::meet_faults(std::string_view method, const DomainUuid& uuid) {
    std::string name;
    {
        const std::lock_guard lock(mutex_);
        const auto at = domains_.find(uuid);
        if (at != domains_.end()) name = at->second.display_name;
    }
    rules_.apply(method, uuid.value(), name);
}

void Engine::meet_faults(std::string_view method) {
    rules_.apply(method, {}, {});
}

RunningDomain& Engine::get(const DomainUuid& uuid) {
    const auto at = domains_.find(uuid);
    if (at == domains_.end()) {
        throw HypervisorError(ErrorKind::not_found,
                              fmt::format("no domain {} is running", uuid.value()));
    }
    return at->second;
}

RunningDomain& Engine::get_with_agent(const DomainUuid& uuid) {
    RunningDomain& domain = get(uuid);
    if (!agent_answers(domain)) {
        throw HypervisorError(ErrorKind::agent_unavailable, "the guest agent does not answer");
    }
    return domain;
}

std::chrono::nanoseconds Engine::uptime(const RunningDomain& domain) const {
    const bool stands = domain.state == DomainState::paused;
    return (stands ? domain.paused_at : clock_.wall_now()) - domain.started_at;
}

bool Engine::agent_answers(const RunningDomain& domain) const {
    return domain.has_agent && domain.state == DomainState::running &&
           uptime(domain) >= options_.guest_boot;
}

void Engine::tell(const RunningDomain& domain, LifecycleEvent event) {
    event.uuid = domain.uuid;
    event.libvirt_id = domain.run;
    events_.push(event);
}

void Engine::end(const DomainUuid& uuid, StoppedReason reason) {
    tell(get(uuid), {.kind = LifecycleKind::stopped, .stopped_reason = reason});
    journal_.remove(uuid);
    domains_.erase(uuid);
}

void Engine::boot_guest(RunningDomain& domain) {
    if (agent_answers(domain)) events_.push(AgentEvent{domain.uuid, false});
    domain.started_at = clock_.wall_now();
    keep(domain);
    expect_agent(domain);
}

void Engine::expect_agent(const RunningDomain& domain) {
    if (!domain.has_agent) return;
    // A little more, since clocks differ in what they call a moment.
    constexpr std::chrono::milliseconds margin{20};
    later(domain, options_.guest_boot + margin, [this](RunningDomain& found) {
        if (agent_answers(found)) events_.push(AgentEvent{found.uuid, true});
    });
}

void Engine::later(const RunningDomain& domain, std::chrono::milliseconds delay,
                   std::function<void(RunningDomain&)> action) {
    timers_.after(delay, [this, uuid = domain.uuid, run = domain.run, action = std::move(action)] {
        const std::lock_guard lock(mutex_);
        const auto at = domains_.find(uuid);
        if (at != domains_.end() && at->second.run == run) action(at->second);
    });
}

// What QEMU would find out when it starts.
void Engine::check(const DomainSpec& spec) const {
    validate(spec);
    const auto& types = options_.host.machine_types;
    if (std::ranges::find(types, spec.machine_type) == types.end()) {
        throw HypervisorError(ErrorKind::unsupported,
                              fmt::format("there is no machine type '{}'", spec.machine_type));
    }
    for (const DiskSpec& disk : spec.disks) {
        std::error_code ignored;
        if (disk.image && !std::filesystem::exists(disk.image->path, ignored)) {
            throw HypervisorError(ErrorKind::missing_file,
                                  fmt::format("{}: there is no such file", disk.image->path));
        }
    }
}

DomainInfo Engine::begin(const DomainSpec& spec, InitialState state, StartedReason reason) {
    check(spec);
    const std::lock_guard lock(mutex_);
    if (domains_.contains(spec.uuid)) {
        throw HypervisorError(ErrorKind::already_running,
                              fmt::format("domain {} is running", spec.uuid.value()));
    }
    auto domain = RunningDomain::from_spec(spec, ++last_run_, clock_.wall_now());
    if (state == InitialState::paused) {
        domain.state = DomainState::paused;
        domain.paused_reason = PausedReason::user;
        domain.paused_at = domain.started_at;
    }
    if (reason == StartedReason::restored) domain.started_at -= options_.guest_boot;
    keep(domain);
    tell(domain, {.kind = LifecycleKind::started, .started_reason = reason});
    expect_agent(domain);
    const auto info = domain.info(agent_answers(domain));
    domains_.emplace(spec.uuid, std::move(domain));
    return info;
}

DomainInfo Engine::start(const DomainSpec& spec, InitialState state) {
    rules_.apply("start", spec.uuid.value(), spec.display_name);
    return begin(spec, state, StartedReason::booted);
}

DomainInfo Engine::restore(const std::string& path, const DomainSpec& spec, InitialState state) {
    rules_.apply("restore", spec.uuid.value(), spec.display_name);
    if (!is_whole_save_image(path)) {
        throw HypervisorError(ErrorKind::internal, path + ": is no whole image of a memory");
    }
    return begin(spec, state, StartedReason::restored);
}

void Engine::save(const DomainUuid& uuid, const std::string& path) {
    meet_faults("save", uuid);
    const std::lock_guard lock(mutex_);
    write_save_image(path, get(uuid));
    end(uuid, StoppedReason::saved);
}

bool Engine::is_save_image_complete(const std::string& path) {
    meet_faults("is_save_image_complete");
    return is_whole_save_image(path);
}

void Engine::destroy(const DomainUuid& uuid) {
    meet_faults("destroy", uuid);
    const std::lock_guard lock(mutex_);
    end(uuid, StoppedReason::destroyed);
}

void Engine::reset(const DomainUuid& uuid) {
    meet_faults("reset", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    tell(domain, {.kind = LifecycleKind::rebooted});
    boot_guest(domain);
}

bool Engine::asks_agent(const RunningDomain& domain, GuestRequest how) const {
    if (how == GuestRequest::agent && !agent_answers(domain)) {
        throw HypervisorError(ErrorKind::agent_unavailable, "the guest agent does not answer");
    }
    return how != GuestRequest::acpi && agent_answers(domain);
}

void Engine::shutdown(const DomainUuid& uuid, GuestRequest how) {
    meet_faults("shutdown", uuid);
    const std::lock_guard lock(mutex_);
    const RunningDomain& domain = get(uuid);
    asks_agent(domain, how);
    later(domain, options_.guest_shutdown, [this](RunningDomain& found) {
        tell(found, {.kind = LifecycleKind::shutting_down});
        end(DomainUuid(found.uuid), StoppedReason::shutdown);
    });
}

void Engine::reboot(const DomainUuid& uuid, GuestRequest how) {
    meet_faults("reboot", uuid);
    const std::lock_guard lock(mutex_);
    const RunningDomain& domain = get(uuid);
    asks_agent(domain, how);
    later(domain, options_.guest_shutdown, [this](RunningDomain& found) {
        tell(found, {.kind = LifecycleKind::rebooted});
        boot_guest(found);
    });
}

void Engine::pause(const DomainUuid& uuid) {
    meet_faults("pause", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    if (domain.state == DomainState::paused) return;
    domain.state = DomainState::paused;
    domain.paused_reason = PausedReason::user;
    domain.paused_at = clock_.wall_now();
    keep(domain);
    tell(domain, {.kind = LifecycleKind::paused, .paused_reason = PausedReason::user});
}

void Engine::resume(const DomainUuid& uuid) {
    meet_faults("resume", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    if (domain.state == DomainState::running) return;
    domain.started_at += clock_.wall_now() - domain.paused_at;
    domain.state = DomainState::running;
    domain.paused_reason = PausedReason::none;
    keep(domain);
    tell(domain, {.kind = LifecycleKind::resumed});
    if (agent_answers(domain)) events_.push(AgentEvent{uuid, true});
}

}  // namespace simulated

std::unique_ptr<Hypervisor> make_simulated_hypervisor(SimulatedOptions options,
                                                      const base::Clock& clock) {
    return std::make_unique<simulated::Engine>(std::move(options), clock);
}

}  // namespace drover::hypervisor
