// Domains that move from one simulated engine to another, over a socket as libvirt's do: so that
// what stands above meets the same steps, and the same troubles.
//
//   source: domain <the domain as a line>   destination: ready | refused <kind> <why>
//   (its memory "goes")
//   source: go                              destination: done
//
// Where the connection ends, the migration does; only after "go" the source can't know how.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/log.hpp"
#include "hypervisor/simulated/engine.hpp"

namespace drover::hypervisor::simulated {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds answer_limit{10'000};
constexpr milliseconds longest_wait{3'600'000};  // of a destination for "go"
constexpr milliseconds step{10};
constexpr std::string_view domain_word = "domain ";
constexpr std::string_view refused_word = "refused ";
constexpr std::string_view cpu_word = "simulated";

ErrorKind kind_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i)
        if (name_of(static_cast<ErrorKind>(i)) == name) return static_cast<ErrorKind>(i);
    return ErrorKind::internal;
}

// What the other engine answered to the domain.
void expect_ready(const std::optional<std::string>& answer) {
    if (answer == "ready") return;
    if (!answer || !answer->starts_with(refused_word))
        throw HypervisorError(ErrorKind::peer_unreachable, "migrate: the other engine broke off");
    const auto rest = answer->substr(refused_word.size());
    const auto blank = std::min(rest.find(' '), rest.size());
    throw HypervisorError(kind_named(rest.substr(0, blank)), "migrate: there" + rest.substr(blank));
}

void wait_until_copied(Departure& departure, const LineSocket& destination) {
    departure.begin();
    while (!departure.is_copied()) {
        if (departure.cancel_requested)
            throw HypervisorError(ErrorKind::cancelled, "migrate: cancelled");
        if (destination.is_over())
            throw HypervisorError(ErrorKind::peer_unreachable,
                                  "migrate: the other engine broke off");
        std::this_thread::sleep_for(step);
    }
}

}  // namespace

std::uint64_t Departure::gone_bytes() const {
    if (!copies) return 0;
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - began_;
    const auto gone = time.count() * static_cast<double>(bytes_per_s_);
    return gone >= static_cast<double>(memory_bytes_) ? memory_bytes_
                                                      : static_cast<std::uint64_t>(gone);
}

MigrationProgress Departure::progress() const {
    MigrationProgress progress;
    if (!copies) return progress;
    progress.phase = post_copy ? MigrationPhase::post_copy : MigrationPhase::copying_memory;
    progress.total_bytes = memory_bytes_;
    progress.memory_total_bytes = memory_bytes_;
    progress.transferred_bytes = gone_bytes();
    progress.remaining_bytes = memory_bytes_ - progress.transferred_bytes;
    progress.memory_remaining_bytes = progress.remaining_bytes;
    progress.throughput_bytes_per_s = bytes_per_s_;
    progress.iteration = 1;
    progress.elapsed =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_);
    return progress;
}

std::string Engine::migration_socket() {
    return options_.migration_socket;
}

void Engine::expect_migration(const IncomingDomain& incoming) {
    rules_.apply("expect_migration", incoming.uuid.value(), incoming.display_name);
    const std::lock_guard lock(mutex_);
    if (domains_.contains(incoming.uuid))
        throw HypervisorError(ErrorKind::already_running,
                              fmt::format("domain {} is running", incoming.uuid.value()));
    expected_.insert(incoming.uuid);
}

void Engine::forget_migration(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    expected_.erase(uuid);
}

std::shared_ptr<Departure> Engine::begin_departure(const DomainUuid& uuid,
                                                   const MigrationSpec& spec) {
    const std::lock_guard lock(mutex_);
    const RunningDomain& domain = get(uuid);
    auto bytes_per_s = options_.migration_bytes_per_s;
    if (spec.bandwidth_bytes_per_s)
        bytes_per_s = std::min(bytes_per_s, *spec.bandwidth_bytes_per_s);
    auto departure = std::make_shared<Departure>(domain.memory_bytes, bytes_per_s, spec.post_copy);
    if (!departures_.emplace(uuid, departure).second)
        throw HypervisorError(ErrorKind::invalid_state, "migrate: the domain is being moved");
    return departure;
}

std::string Engine::departure_line(const DomainUuid& uuid, const MigrationSpec& spec) {
    const std::lock_guard lock(mutex_);
    RunningDomain domain = get(uuid);
    for (auto& disk : domain.disks) {
        const auto copy = std::ranges::find(spec.disks_to_copy, disk.target, &DiskCopy::target);
        disk.path = copy != spec.disks_to_copy.end() ? copy->destination_path
                                                     : map_path(disk.path, spec.paths);
    }
    if (spec.metadata) domain.metadata = *spec.metadata;
    return to_line(domain);
}

MigrationResult Engine::migrate(const DomainUuid& uuid, const MigrationSpec& spec) {
    validate(spec);
    const auto departure = begin_departure(uuid, spec);
    struct Ending {
        Engine& self;
        const DomainUuid& uuid;
        ~Ending() {
            const std::lock_guard lock(self.mutex_);
            self.departures_.erase(uuid);
        }
    } const ending{*this, uuid};
    meet_faults("migrate", uuid);
    auto destination = LineSocket::connect(spec.destination_socket);
    if (!destination.write(fmt::format("{}{}", domain_word, departure_line(uuid, spec))))
        throw HypervisorError(ErrorKind::peer_unreachable, "migrate: the other engine broke off");
    expect_ready(destination.read(answer_limit));
    wait_until_copied(*departure, destination);
    meet_faults("switch_over", uuid);

    MigrationResult result;
    const auto copied = departure->progress();
    result.post_copy = departure->post_copy;
    result.memory_bytes = copied.memory_total_bytes;
    result.transferred_bytes = copied.memory_total_bytes;
    result.iterations = 1;
    const auto stopped = std::chrono::steady_clock::now();
    let_go(uuid);
    if (!destination.write("go") || destination.read(answer_limit) != "done") {
        go_on(uuid);
        throw HypervisorError(ErrorKind::outcome_unknown,
                              "migrate: the other engine was lost in the switch-over");
    }
    result.downtime = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - stopped);
    result.total = departure->progress().elapsed;
    const std::lock_guard lock(mutex_);
    if (domains_.contains(uuid)) end(uuid, StoppedReason::migrated);
    return result;
}

// Stands still for the last piece.
void Engine::let_go(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    if (domain.state == DomainState::paused) return;
    domain.state = DomainState::paused;
    domain.paused_reason = PausedReason::migration;
    domain.paused_at = clock_.wall_now();
    tell(domain, {.kind = LifecycleKind::paused, .paused_reason = PausedReason::migration});
}

void Engine::go_on(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    const auto at = domains_.find(uuid);
    if (at == domains_.end() || at->second.paused_reason != PausedReason::migration) return;
    at->second.state = DomainState::running;
    at->second.paused_reason = PausedReason::none;
    tell(at->second, {.kind = LifecycleKind::resumed, .resumed_reason = ResumedReason::unpaused});
}

std::optional<MigrationProgress> Engine::migration_progress(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    const auto at = departures_.find(uuid);
    if (at == departures_.end()) return std::nullopt;
    return at->second->progress();
}

void Engine::cancel_migration(const DomainUuid& uuid) {
    meet_faults("cancel_migration", uuid);
    const std::lock_guard lock(mutex_);
    const auto at = departures_.find(uuid);
    if (at == departures_.end()) return;
    if (at->second->post_copy)
        throw HypervisorError(ErrorKind::invalid_state,
                              "cancel a migration: the guest runs on the other host already");
    at->second->cancel_requested = true;
}

void Engine::start_post_copy(const DomainUuid& uuid) {
    meet_faults("start_post_copy", uuid);
    const std::lock_guard lock(mutex_);
    const auto at = departures_.find(uuid);
    if (at == departures_.end() || !at->second->copies || !at->second->may_post_copy())
        throw HypervisorError(ErrorKind::invalid_state,
                              "start post-copy: no memory is being copied, or it is not allowed");
    at->second->post_copy = true;
}

std::string Engine::cpu_of(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    get(uuid);
    return std::string(cpu_word);
}

void Engine::check_cpu(const std::string& cpu) {
    meet_faults("check_cpu");
    if (cpu != cpu_word)
        throw HypervisorError(ErrorKind::incompatible_cpu, "this host's CPU is simulated");
}

// The other side. Runs on a thread of the doorway.
void Engine::receive(LineSocket& source) {
    const auto first = source.read(answer_limit);
    if (!first || !first->starts_with(domain_word)) return;
    RunningDomain domain;
    try {
        domain = check_arrival(first->substr(domain_word.size()));
    } catch (const HypervisorError& error) {
        std::string why = error.what();
        std::ranges::replace(why, '\n', ' ');
        source.write(fmt::format("{}{} {}", refused_word, name_of(error.kind()), why));
        return;
    }
    if (!source.write("ready") || source.read(longest_wait) != "go") return;
    try {
        arrive(std::move(domain));
    } catch (const HypervisorError& error) {
        base::log_warning("simulated migration: {}", error.what());
        return;
    }
    source.write("done");
}

RunningDomain Engine::check_arrival(const std::string& line) {
    auto domain = from_line(line);
    if (!domain) throw HypervisorError(ErrorKind::internal, "this is no domain");
    rules_.apply("receive", domain->uuid.value(), domain->display_name);
    for (const auto& disk : domain->disks) {
        std::error_code ignored;
        if (!disk.path.empty() && !std::filesystem::exists(disk.path, ignored))
            throw HypervisorError(ErrorKind::missing_file,
                                  fmt::format("{}: there is no such file", disk.path));
    }
    const std::lock_guard lock(mutex_);
    if (!expected_.contains(domain->uuid))
        throw HypervisorError(ErrorKind::permission, "nobody expects this domain");
    if (domains_.contains(domain->uuid))
        throw HypervisorError(ErrorKind::already_running, "the domain is running");
    return *domain;
}

void Engine::arrive(RunningDomain domain) {
    rules_.apply("arrive", domain.uuid.value(), domain.display_name);
    const std::lock_guard lock(mutex_);
    if (expected_.erase(domain.uuid) == 0 || domains_.contains(domain.uuid))
        throw HypervisorError(ErrorKind::permission, "nobody expects this domain any more");
    domain.run = ++last_run_;
    if (domain.state == DomainState::paused) domain.paused_at = clock_.wall_now();
    keep(domain);
    const auto uuid = domain.uuid;
    const auto& here = domains_.emplace(uuid, std::move(domain)).first->second;
    tell(here, {.kind = LifecycleKind::started, .started_reason = StartedReason::migrated});
    if (here.state != DomainState::paused)
        tell(here, {.kind = LifecycleKind::resumed, .resumed_reason = ResumedReason::migrated});
    if (agent_answers(here))
        events_.push(AgentEvent{uuid, true});
    else
        expect_agent(here);
}

}  // namespace drover::hypervisor::simulated
