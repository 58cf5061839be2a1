// What the simulated engine tells.

#include <algorithm>

#include "hypervisor/simulated/engine.hpp"

namespace drover::hypervisor::simulated {

std::vector<DomainInfo> Engine::list() {
    meet_faults("list");
    const std::lock_guard lock(mutex_);
    std::vector<DomainInfo> all;
    all.reserve(domains_.size());
    for (const auto& [_, domain] : domains_) all.push_back(domain.info(agent_answers(domain)));
    return all;
}

std::optional<DomainInfo> Engine::find(const DomainUuid& uuid) {
    meet_faults("find", uuid);
    const std::lock_guard lock(mutex_);
    const auto at = domains_.find(uuid);
    if (at == domains_.end()) return std::nullopt;
    return at->second.info(agent_answers(at->second));
}

std::vector<DomainStats> Engine::stats() {
    meet_faults("stats");
    std::vector<RunningDomain> copies;
    {
        const std::lock_guard lock(mutex_);
        copies.reserve(domains_.size());
        for (const auto& [_, domain] : domains_) copies.push_back(domain);
    }
    // The sums take their time; others may go on meanwhile.
    std::vector<DomainStats> all;
    all.reserve(copies.size());
    for (const auto& domain : copies)
        all.push_back(stats_of(domain, options_.seed, uptime(domain)));
    return all;
}

void Engine::set_metadata(const DomainUuid& uuid,
                          const std::map<std::string, std::string>& metadata) {
    meet_faults("set_metadata", uuid);
    validate_metadata(metadata);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    domain.metadata = metadata;
    keep(domain);
}

GuestInfo Engine::guest_info(const DomainUuid& uuid) {
    meet_faults("guest_info", uuid);
    const std::lock_guard lock(mutex_);
    return guest_of(get_with_agent(uuid));
}

bool Engine::agent_ping(const DomainUuid& uuid) {
    meet_faults("agent_ping", uuid);
    const std::lock_guard lock(mutex_);
    return agent_answers(get(uuid));
}

Screenshot Engine::screenshot(const DomainUuid& uuid) {
    meet_faults("screenshot", uuid);
    const std::lock_guard lock(mutex_);
    get(uuid);
    throw HypervisorError(ErrorKind::unsupported, "a simulated machine has no console");
}

void Engine::set_balloon(const DomainUuid& uuid, std::uint64_t memory_bytes) {
    meet_faults("set_balloon", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    domain.balloon_bytes = std::min(memory_bytes, domain.memory_bytes);
    keep(domain);
}

void Engine::set_cpu_tuning(const DomainUuid& uuid, const CpuTuning& tuning) {
    meet_faults("set_cpu_tuning", uuid);
    validate_cpu_tuning(tuning);
    const std::lock_guard lock(mutex_);
    get(uuid);
}

HostInfo Engine::host_info() {
    meet_faults("host_info");
    return options_.host;
}

HostStats Engine::host_stats() {
    meet_faults("host_stats");
    const std::lock_guard lock(mutex_);
    const base::WallTime now = clock_.wall_now();
    double cores = 0;
    std::uint64_t memory_bytes = 0;
    for (const auto& [_, domain] : domains_) {
        const Load load = load_of(domain, options_.seed, uptime(domain));
        if (domain.state == DomainState::running) cores += load.cores;
        memory_bytes += load.memory_bytes;
    }
    // What they take now stands for the time since the last question.
    const double passed_s = std::chrono::duration<double>(now - host_asked_at_).count();
    const auto most = static_cast<double>(options_.host.logical_cpus);
    host_cpu_s_ += std::min(cores, most) * std::max(passed_s, 0.0);
    host_asked_at_ = now;
    return host_stats_of(options_.host, host_cpu_s_, memory_bytes, now - made_at_);
}

std::unique_ptr<Subscription> Engine::subscribe(EventSink sink) {
    meet_faults("subscribe");
    return events_.subscribe(std::move(sink));
}

}  // namespace drover::hypervisor::simulated
