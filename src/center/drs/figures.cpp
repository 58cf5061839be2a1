#include "center/drs/figures.hpp"

#include <algorithm>
#include <chrono>

#include "center/compatibility/cpu_facts.hpp"
#include "plan/entitlement/demand.hpp"

namespace drover::center {

namespace {

constexpr double kMebibyte = 1 << 20;
constexpr double kIntervalMs = 20'000;
// Hosts sample every 20 seconds. Equal figures twice are a sample, too.
constexpr std::chrono::seconds kSampleAge{25};
// The first figures after a move are those of a part of an interval.
constexpr std::chrono::seconds kSettling{25};
constexpr std::chrono::hours kMovesCount{1};
constexpr std::chrono::minutes kForgotten{30};
// A migration tells more about the network the more it copied.
constexpr double kTellingBytes = 8.0 * 1024 * 1024;
constexpr double kNewPart = 0.3;

}  // namespace

void Figures::sample(const std::string& id, const vim::VirtualMachineSummary& summary,
                     double core_mhz, base::SteadyTime now) {
    Machine& machine = machines_[id];
    const auto stats = summary.quickStats();
    if (!stats || !stats.overallCpuUsage() || now < machine.not_before) return;
    if (stats.uptimeSeconds() == 0) return;  // shown before anything was measured
    if (stats.raw() == machine.last && now - machine.taken < kSampleAge) return;
    machine.last = stats.raw();
    machine.taken = now;
    plan::CpuUse use;
    use.used_mhz = *stats.overallCpuUsage();
    use.vcpus = std::max(1, summary.config() ? summary.config().numCpu().value_or(1) : 1);
    use.core_mhz = core_mhz;
    use.interval_ms = kIntervalMs;
    if (core_mhz > 0 && stats.overallCpuReadiness()) {
        use.run_ms = use.used_mhz / core_mhz * kIntervalMs;
        use.ready_ms = *stats.overallCpuReadiness() / 100.0 * kIntervalMs * use.vcpus;
        machine.cpu.add(plan::cpu_demand_mhz(use));
    } else {
        machine.cpu.add(std::max(use.used_mhz, double(stats.overallCpuDemand().value_or(0))));
    }
    machine.memory.add(plan::memory_demand_bytes(stats.guestMemoryUsage().value_or(0) * kMebibyte,
                                                 stats.hostMemoryUsage().value_or(0) * kMebibyte));
    ++machine.samples;
}

void Figures::sample_network(const std::string& machine, double bytes_per_s) {
    const auto known = machines_.find(machine);
    if (known != machines_.end()) known->second.network.add(std::max(0.0, bytes_per_s));
}

void Figures::sample_host(const std::string& host, double own_cpu_mhz, double own_memory_bytes) {
    HostOwn& own = hosts_[host];
    own.cpu.add(std::max(0.0, own_cpu_mhz));
    own.memory.add(std::max(0.0, own_memory_bytes));
}

Figures::Demand Figures::demand_of(const std::string& machine) const {
    const auto known = machines_.find(machine);
    if (known == machines_.end() || known->second.samples == 0) return {};
    return {known->second.cpu.value(), known->second.memory.value(), known->second.network.value(),
            known->second.samples};
}

double Figures::own_cpu_mhz(const std::string& host) const {
    const auto known = hosts_.find(host);
    return known == hosts_.end() ? 0 : known->second.cpu.value();
}

double Figures::own_memory_bytes(const std::string& host) const {
    const auto known = hosts_.find(host);
    return known == hosts_.end() ? 0 : known->second.memory.value();
}

void Figures::moved(const std::string& id, const MigrationRecord& record, base::SteadyTime now) {
    Machine& machine = machines_[id];
    machine.not_before = now + kSettling;
    if (record.seconds <= 0) return;
    const auto mix = [this](double& kept, double fresh) {
        kept = measured_ == 0 ? fresh : (1 - kNewPart) * kept + kNewPart * fresh;
    };
    const double copying_s = std::max(record.seconds - model_.setup_s, record.seconds / 2);
    if (record.bytes >= kTellingBytes) {
        mix(model_.bandwidth_bytes_per_s, std::max(1e6, record.bytes / copying_s));
        // What was copied again is what was written meanwhile.
        machine.dirty_bytes_per_s =
            std::max(0.0, record.bytes - record.memory_bytes) / record.seconds;
    }
    const double expected_s = record.bytes / model_.bandwidth_bytes_per_s;
    mix(model_.setup_s, std::clamp(record.seconds - expected_s, 0.1, 60.0));
    ++measured_;
}

void Figures::moved_by_drs(const std::string& machine, base::SteadyTime now) {
    machines_[machine].moves.push_back(now);
}

std::uint32_t Figures::moves_last_hour(const std::string& machine, base::SteadyTime now) const {
    const auto known = machines_.find(machine);
    if (known == machines_.end()) return 0;
    return static_cast<std::uint32_t>(std::ranges::count_if(
        known->second.moves, [now](base::SteadyTime at) { return now - at < kMovesCount; }));
}

double Figures::dirty_bytes_per_s(const std::string& machine) const {
    const auto known = machines_.find(machine);
    return known == machines_.end() ? 0 : known->second.dirty_bytes_per_s;
}

const plan::Cpu& Figures::seen_cpu(const std::string& id, const vim::Value& list) {
    Machine& machine = machines_[id];
    if (!list.same_content(machine.requirement)) {
        machine.requirement = list;
        machine.seen = list ? cpu_of_list(list) : plan::Cpu{};
    }
    return machine.seen;
}

void Figures::expire(base::SteadyTime now) {
    for (auto at = machines_.begin(); at != machines_.end();) {
        auto& moves = at->second.moves;
        while (!moves.empty() && now - moves.front() >= kMovesCount) moves.pop_front();
        const bool is_gone = moves.empty() && now - at->second.taken > kForgotten;
        at = is_gone ? machines_.erase(at) : std::next(at);
    }
}

}  // namespace drover::center
