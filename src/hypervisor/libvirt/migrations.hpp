#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "hypervisor/libvirt/call_context.hpp"
#include "hypervisor/libvirt/typed_params.hpp"
#include "hypervisor/migration.hpp"

namespace drover::hypervisor::libvirt {

/// One migration from here, while it lasts. Shared by who waits for it, who asks about it, the
/// thread in libvirt's call and libvirt's events. Thread-safe.
class MigrationRun {
public:
    void request_cancel() { cancel_requested_ = true; }
    bool cancel_requested() const { return cancel_requested_; }

    void set_progress(const MigrationProgress& progress);
    MigrationProgress progress() const;

    /// The guest has stood still for the last piece: from then on the other side may run it.
    void set_switched_over() { switched_over_ = true; }
    bool switched_over() const { return switched_over_; }
    void set_post_copy() { post_copy_ = true; }
    bool post_copy() const { return post_copy_; }

    /// The figures that libvirt reports when it is over.
    void set_completed(TypedParams figures);
    std::optional<TypedParams> wait_for_completed(std::chrono::milliseconds limit);

private:
    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    MigrationProgress progress_{};
    std::optional<TypedParams> completed_{};
    std::atomic<bool> cancel_requested_ = false;
    std::atomic<bool> switched_over_ = false;
    std::atomic<bool> post_copy_ = false;
};

/// The local socket of the daemon that this URI names; empty if it names none of this host.
std::string socket_of(std::string_view uri);

/// The whole transfer, on the calling thread and on a connection of its own, which only it may use:
/// libvirtd serves few calls of one connection at a time, and this one may take hours. Throws as
/// Hypervisor::migrate does.
MigrationResult transfer(const LibvirtOptions& options, const DomainUuid& uuid,
                         const MigrationSpec& spec, const std::shared_ptr<MigrationRun>& run);

/// Hypervisor's calls about migrations from here. Thread-safe.
class Migrations {
public:
    explicit Migrations(CallContext& context) : context_(context) {}

    MigrationResult run(const DomainUuid& uuid, const MigrationSpec& spec);
    std::optional<MigrationProgress> progress(const DomainUuid& uuid) const;
    void cancel(const DomainUuid& uuid);
    void start_post_copy(const DomainUuid& uuid);

private:
    std::shared_ptr<MigrationRun> begin(const DomainUuid& uuid);
    std::shared_ptr<MigrationRun> find(const DomainUuid& uuid) const;
    void end(const DomainUuid& uuid);
    void look(const DomainUuid& uuid, MigrationRun& run);
    void abort(const DomainUuid& uuid);

    CallContext& context_;
    mutable std::mutex mutex_{};
    std::map<DomainUuid, std::shared_ptr<MigrationRun>> runs_{};
};

}  // namespace drover::hypervisor::libvirt
