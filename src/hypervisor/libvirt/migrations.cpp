// Waiting for a migration: what it is asked meanwhile, and giving up when nothing moves any more.
// The transfer itself is in migration_transfer.cpp.

#include "hypervisor/libvirt/migrations.hpp"

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <filesystem>
#include <future>
#include <thread>
#include <tuple>

#include "base/log.hpp"
#include "hypervisor/libvirt/operations.hpp"
#include "hypervisor/libvirt/params_parse.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t most_runs = 32;
constexpr milliseconds look_interval{250};
constexpr milliseconds question_limit{5000};
// libvirtd notices by itself that its peer is gone within half a minute. Whatever has not ended so
// long after it was told to hangs in a QEMU.
constexpr seconds give_up_limit{300};

TypedParams job_figures(virDomainPtr domain) {
    int type = 0;
    int count = 0;
    virTypedParameterPtr params = nullptr;
    if (virDomainGetJobStats(domain, &type, &params, &count, 0) < 0)
        throw_last_error("read a job's figures");
    const TypedParams figures(params, count);
    virTypedParamsFree(params, count);
    return figures;
}

MigrationProgress read_progress(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    const auto figures = job_figures(domain.get());
    if (figures.number(VIR_DOMAIN_JOB_OPERATION) != VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)
        return {};
    auto progress = parse_migration_progress(figures);
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain.get(), &state, &reason, 0) < 0) throw_last_error("read the state");
    if (state != VIR_DOMAIN_PAUSED) return progress;
    if (reason == VIR_DOMAIN_PAUSED_POSTCOPY) progress.phase = MigrationPhase::post_copy;
    if (reason == VIR_DOMAIN_PAUSED_MIGRATION) progress.phase = MigrationPhase::completing;
    return progress;
}

// Whether being told to end may look like this: QEMU cuts its own connection, and then complains
// of that.
bool may_be_ours(ErrorKind kind) {
    return kind == ErrorKind::cancelled || kind == ErrorKind::peer_unreachable ||
           kind == ErrorKind::peer_untrusted || kind == ErrorKind::internal;
}

// Tells whether anything has moved lately.
class StallWatch {
public:
    StallWatch(milliseconds limit, milliseconds preparing_limit)
        : limit_(limit), preparing_limit_(std::max(limit, preparing_limit)) {}

    bool stands(const MigrationProgress& now) {
        const auto mark = std::tuple(now.phase, now.transferred_bytes, now.remaining_bytes,
                                     now.memory_remaining_bytes, now.iteration);
        if (mark != mark_) {
            mark_ = mark;
            since_ = steady_clock::now();
        }
        // Once the guest runs over there, giving up would lose it.
        if (now.phase == MigrationPhase::post_copy) return false;
        // The other host starts a QEMU first, of which nothing is to be seen here.
        const bool preparing = now.phase == MigrationPhase::preparing;
        return steady_clock::now() - since_ > (preparing ? preparing_limit_ : limit_);
    }

private:
    using Mark =
        std::tuple<MigrationPhase, std::uint64_t, std::uint64_t, std::uint64_t, std::uint32_t>;

    const milliseconds limit_;
    const milliseconds preparing_limit_;
    Mark mark_{};
    steady_clock::time_point since_ = steady_clock::now();
};

}  // namespace

std::string socket_of(std::string_view uri) {
    constexpr std::string_view parameter = "socket=";
    if (const auto query = uri.find('?'); query != std::string_view::npos) {
        const auto at = uri.find(parameter, query);
        if (at != std::string_view::npos) {
            const auto value = uri.substr(at + parameter.size());
            return std::string(value.substr(0, value.find('&')));
        }
    }
    if (!uri.starts_with("qemu:///system") && !uri.starts_with("qemu+unix:///system")) return {};
    // One daemon for everything, or one for QEMU alone.
    for (const char* path : {"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"})
        if (std::error_code ignored; std::filesystem::exists(path, ignored)) return path;
    return "/run/libvirt/libvirt-sock";
}

void MigrationRun::set_progress(const MigrationProgress& progress) {
    const std::lock_guard lock(mutex_);
    progress_ = progress;
}

MigrationProgress MigrationRun::progress() const {
    const std::lock_guard lock(mutex_);
    return progress_;
}

void MigrationRun::set_completed(TypedParams figures) {
    const std::lock_guard lock(mutex_);
    completed_ = std::move(figures);
    changed_.notify_all();
}

std::optional<TypedParams> MigrationRun::wait_for_completed(milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return completed_.has_value(); });
    return completed_;
}

std::shared_ptr<MigrationRun> Migrations::begin(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    if (runs_.size() >= most_runs)
        throw HypervisorError(ErrorKind::unavailable, "migrate: too many migrations at a time");
    const auto [at, is_new] = runs_.emplace(uuid, std::make_shared<MigrationRun>());
    if (!is_new)
        throw HypervisorError(ErrorKind::invalid_state, "migrate: the domain is being moved");
    return at->second;
}

std::shared_ptr<MigrationRun> Migrations::find(const DomainUuid& uuid) const {
    const std::lock_guard lock(mutex_);
    const auto at = runs_.find(uuid);
    return at == runs_.end() ? nullptr : at->second;
}

void Migrations::end(const DomainUuid& uuid) {
    const std::lock_guard lock(mutex_);
    runs_.erase(uuid);
}

MigrationResult Migrations::run(const DomainUuid& uuid, const MigrationSpec& spec) {
    validate(spec);
    const auto run = begin(uuid);
    struct Ending {
        Migrations& self;
        const DomainUuid& uuid;
        ~Ending() { self.end(uuid); }
    } const ending{*this, uuid};

    // A thread that hangs in libvirt is left to itself in the end, so it owns all that it uses.
    std::packaged_task<MigrationResult()> task([options = context_.options(), uuid, spec, run] {
        return transfer(options, uuid, spec, run);
    });
    auto future = task.get_future();
    std::thread(std::move(task)).detach();

    StallWatch watch(spec.stall_limit, context_.options().start_limit);
    std::optional<steady_clock::time_point> told_to_end;
    bool stalled = false;
    while (future.wait_for(look_interval) != std::future_status::ready) {
        look(uuid, *run);
        if (!stalled && watch.stands(run->progress())) stalled = true;
        if (!stalled && !run->cancel_requested()) continue;
        // Again and again: a migration that has only just begun does not hear it.
        abort(uuid);
        if (!told_to_end) told_to_end = steady_clock::now();
        if (steady_clock::now() - *told_to_end > give_up_limit)
            throw HypervisorError(ErrorKind::outcome_unknown,
                                  "migrate: it does not end although it was told to");
    }
    try {
        return future.get();
    } catch (const HypervisorError& error) {
        if (!told_to_end || !may_be_ours(error.kind())) throw;
        if (run->cancel_requested()) throw HypervisorError(ErrorKind::cancelled, error.what());
        throw HypervisorError(ErrorKind::stalled, fmt::format("migrate: nothing moved for {} ms",
                                                              spec.stall_limit.count()));
    }
}

void Migrations::look(const DomainUuid& uuid, MigrationRun& run) {
    try {
        const auto progress = context_.run(
            question_limit, "watch a migration",
            [uuid](virConnectPtr connection) { return read_progress(connection, uuid); });
        // Towards the end there are no figures any more; the last ones say more than zeros.
        if (progress.phase == MigrationPhase::preparing && run.progress().total_bytes != 0) return;
        if (progress.phase == MigrationPhase::post_copy) run.set_post_copy();
        run.set_progress(progress);
    } catch (const HypervisorError& error) {
        // It has just ended, or the connection is lost; who waits will hear of it.
        base::log_debug("migration of {}: {}", uuid.value(), error.what());
    }
}

void Migrations::abort(const DomainUuid& uuid) {
    try {
        context_.run(question_limit, "cancel a migration", [uuid](virConnectPtr connection) {
            const auto domain = look_up(connection, uuid);
            if (virDomainAbortJob(domain.get()) < 0) throw_last_error("cancel a migration");
        });
    } catch (const HypervisorError& error) {
        base::log_debug("migration of {}: {}", uuid.value(), error.what());
    }
}

std::optional<MigrationProgress> Migrations::progress(const DomainUuid& uuid) const {
    const auto run = find(uuid);
    if (!run) return std::nullopt;
    return run->progress();
}

void Migrations::cancel(const DomainUuid& uuid) {
    const auto run = find(uuid);
    if (!run) return;
    if (run->post_copy())
        throw HypervisorError(ErrorKind::invalid_state,
                              "cancel a migration: the guest runs on the other host already");
    run->request_cancel();
}

void Migrations::start_post_copy(const DomainUuid& uuid) {
    const auto run = find(uuid);
    if (!run)
        throw HypervisorError(ErrorKind::invalid_state, "start post-copy: there is no migration");
    context_.run("start post-copy", [uuid](virConnectPtr connection) {
        const auto domain = look_up(connection, uuid);
        if (virDomainMigrateStartPostCopy(domain.get(), 0) < 0) throw_last_error("start post-copy");
    });
}

}  // namespace drover::hypervisor::libvirt
