// One migration by libvirt: which of its many ways we take, and what its end means.
//
// libvirt's daemons speak to each other ("peer to peer") through the socket that the caller names,
// and the QEMUs send memory and disks straight to each other. What was tried with QEMU 7.2 and
// libvirt 9.0, and decides the flags:
//   * TLS goes together with each of the other ways.
//   * PARALLEL and POSTCOPY may both be asked for, but when such a migration is switched to
//     post-copy QEMU fails an assertion and the guest is lost. So post-copy rules out PARALLEL.
//   * Copies of disks (NBD) go with all of them, by the same certificates.

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>

#include "hypervisor/libvirt/event_loop.hpp"
#include "hypervisor/libvirt/migration_xml.hpp"
#include "hypervisor/libvirt/migrations.hpp"
#include "hypervisor/libvirt/nvram.hpp"
#include "hypervisor/libvirt/operations.hpp"
#include "hypervisor/libvirt/param_list.hpp"
#include "hypervisor/libvirt/params_parse.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using std::chrono::milliseconds;

constexpr unsigned keepalive_misses = 3;
constexpr milliseconds figures_limit{2000};
constexpr std::uint64_t mib = 1U << 20;

using RunReference = std::shared_ptr<MigrationRun>;

MigrationRun& run_of(void* opaque) {
    return **static_cast<RunReference*>(opaque);
}
void free_run(void* opaque) {
    delete static_cast<RunReference*>(opaque);
}

int on_lifecycle(virConnectPtr, virDomainPtr, int event, int detail, void* opaque) {
    if (event != VIR_DOMAIN_EVENT_SUSPENDED) return 0;
    if (detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED) run_of(opaque).set_switched_over();
    if (detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY) run_of(opaque).set_post_copy();
    return 0;
}

void on_completed(virConnectPtr, virDomainPtr, virTypedParameterPtr params, int count,
                  void* opaque) {
    run_of(opaque).set_completed(TypedParams(params, count));
}

// The events of one domain, for as long as this lives.
class Watching {
public:
    Watching(virConnectPtr connection, virDomainPtr domain, const RunReference& run)
        : connection_(connection) {
        add(domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE, reinterpret_cast<void (*)()>(on_lifecycle), run);
        add(domain, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, reinterpret_cast<void (*)()>(on_completed),
            run);
    }
    ~Watching() {
        for (const int number : numbers_)
            if (number >= 0) (void)virConnectDomainEventDeregisterAny(connection_, number);
    }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

private:
    void add(virDomainPtr domain, int id, void (*callback)(), const RunReference& run) {
        auto reference = std::make_unique<RunReference>(run);
        const int number = virConnectDomainEventRegisterAny(
            connection_, domain, id,
            reinterpret_cast<virConnectDomainEventGenericCallback>(callback), reference.get(),
            free_run);
        // Without it the migration only tells less.
        if (number < 0) return;
        (void)reference.release();
        numbers_.at(count_++) = number;
    }

    virConnectPtr connection_;
    std::array<int, 2> numbers_{-1, -1};
    std::size_t count_ = 0;
};

unsigned long flags_of(const MigrationSpec& spec) {
    // UNSAFE keeps libvirt from refusing storage that it does not know to be shared. Who calls has
    // made sure of it: the machine's files are on one datastore that both hosts mount, and QEMU
    // opens them with cache modes that keep nothing back once the guest stands still.
    unsigned long flags =
        VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_LIVE | VIR_MIGRATE_UNSAFE | VIR_MIGRATE_ABORT_ON_ERROR;
    if (!spec.tls_name.empty()) flags |= VIR_MIGRATE_TLS;
    // Who has the second monitor lets it run over there.
    if (spec.metadata && spec.metadata->contains("monitor")) flags |= VIR_MIGRATE_PAUSED;
    if (spec.auto_converge) flags |= VIR_MIGRATE_AUTO_CONVERGE;
    if (spec.post_copy)
        flags |= VIR_MIGRATE_POSTCOPY;
    else if (spec.parallel_connections > 1)
        flags |= VIR_MIGRATE_PARALLEL;
    if (spec.disks_to_copy.empty()) return flags;
    // A guest that writes faster than the network takes it waits for the network, so that the copy
    // always comes to its end.
    flags |= VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES;
    return flags | (spec.disks_to_copy.front().top_layer_only ? VIR_MIGRATE_NON_SHARED_INC
                                                              : VIR_MIGRATE_NON_SHARED_DISK);
}

std::string memory_uri(const std::string& address) {
    const bool is_v6 = address.find(':') != std::string::npos;
    return is_v6 ? fmt::format("tcp://[{}]", address) : fmt::format("tcp://{}", address);
}

void fill(ParamList& params, const MigrationSpec& spec, const std::string& xml) {
    params.add_text(VIR_MIGRATE_PARAM_URI, memory_uri(spec.destination_address));
    params.add_text(VIR_MIGRATE_PARAM_LISTEN_ADDRESS, spec.destination_address);
    params.add_text(VIR_MIGRATE_PARAM_DEST_XML, xml);
    if (!spec.tls_name.empty()) params.add_text(VIR_MIGRATE_PARAM_TLS_DESTINATION, spec.tls_name);
    if (spec.bandwidth_bytes_per_s)
        params.add_unsigned(VIR_MIGRATE_PARAM_BANDWIDTH,
                            std::max<std::uint64_t>(*spec.bandwidth_bytes_per_s / mib, 1));
    if (!spec.post_copy && spec.parallel_connections > 1)
        params.add_int(VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
                       static_cast<int>(spec.parallel_connections));
    for (const auto& disk : spec.disks_to_copy)
        params.add_text(VIR_MIGRATE_PARAM_MIGRATE_DISKS, disk.target);
}

ConnectionHandle open_connection(const LibvirtOptions& options) {
    ensure_event_loop();
    ConnectionHandle connection(virConnectOpen(options.uri.c_str()), [](virConnectPtr open) {
        if (open) virConnectClose(open);
    });
    if (!connection) throw_last_error("connect to " + options.uri);
    const auto interval = static_cast<int>(options.keepalive_interval.count());
    if (virConnectSetKeepAlive(connection.get(), interval, keepalive_misses) < 0)
        throw_last_error("set keepalive");
    return connection;
}

// With the passwords of the console, which are the guest's to keep.
std::string migratable_xml(virDomainPtr domain) {
    const CString xml(
        virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE));
    if (!xml) throw_last_error("describe");
    return xml.get();
}

// What has become of the domain here, after libvirt said that the migration failed.
ErrorKind judge(virConnectPtr connection, const DomainUuid& uuid, ErrorKind kind,
                const MigrationRun& run) {
    if (virConnectIsAlive(connection) != 1) return ErrorKind::unavailable;
    const auto found = find(connection, uuid);
    if (!found) return ErrorKind::not_found;
    if (found->paused_reason == PausedReason::post_copy ||
        found->paused_reason == PausedReason::post_copy_failed)
        return ErrorKind::post_copy_failed;
    const bool is_vague = kind == ErrorKind::peer_unreachable || kind == ErrorKind::internal ||
                          kind == ErrorKind::timed_out;
    return is_vague && run.switched_over() ? ErrorKind::outcome_unknown : kind;
}

[[noreturn]] void fail(virConnectPtr connection, const DomainUuid& uuid, const MigrationRun& run) {
    const virError* error = virGetLastError();
    const std::string message =
        error != nullptr && error->message != nullptr ? error->message : "no error was reported";
    auto kind = ErrorKind::internal;
    if (error != nullptr)
        kind = classify_migration(error->code, error->domain, error->int1, message);
    // A peer that refuses us does so before more has gone than sockets hold; later the same words
    // mean that the connection broke.
    if (kind == ErrorKind::peer_untrusted && run.progress().transferred_bytes > 16 * mib)
        kind = ErrorKind::peer_unreachable;
    throw HypervisorError(judge(connection, uuid, kind, run), "migrate: " + message);
}

MigrationResult result_of(MigrationRun& run) {
    const auto last = run.progress();
    MigrationResult result;
    result.total = last.elapsed;
    result.transferred_bytes = last.transferred_bytes;
    result.memory_bytes = last.memory_total_bytes;
    result.iterations = last.iteration;
    result.post_copy = run.post_copy();
    if (const auto figures = run.wait_for_completed(figures_limit)) {
        const auto done = parse_migration_progress(*figures);
        result.total = done.elapsed;
        result.transferred_bytes = done.transferred_bytes;
        result.memory_bytes = done.memory_total_bytes;
        result.iterations = std::max(done.iteration, result.iterations);
        result.downtime = done.expected_downtime;  // in the end it is what it was
    }
    return result;
}

}  // namespace

MigrationResult transfer(const LibvirtOptions& options, const DomainUuid& uuid,
                         const MigrationSpec& spec, const RunReference& run) {
    const auto connection = open_connection(options);
    const auto domain = look_up(connection.get(), uuid);
    const Watching watching(connection.get(), domain.get(), run);
    // A guest that stands still already gives no sign of the switch-over.
    if (describe(domain.get()).state == DomainState::paused) run->set_switched_over();
    ParamList params;
    fill(params, spec,
         destination_xml(with_present_nvram(domain.get(), migratable_xml(domain.get())), spec));
    const auto downtime_ms = static_cast<unsigned long long>(spec.downtime_limit.count());
    if (virDomainMigrateSetMaxDowntime(domain.get(), downtime_ms, 0) < 0)
        throw_last_error("set the downtime");
    if (run->cancel_requested())
        throw HypervisorError(ErrorKind::cancelled, "migrate: cancelled before it began");
    const auto peer = "qemu+unix:///system?socket=" + spec.destination_socket;
    if (virDomainMigrateToURI3(domain.get(), peer.c_str(), params.values(),
                               static_cast<unsigned>(params.count()),
                               static_cast<unsigned>(flags_of(spec))) < 0)
        fail(connection.get(), uuid, *run);
    return result_of(*run);
}

std::string cpu_of(virConnectPtr connection, const DomainUuid& uuid) {
    return cpu_text(migratable_xml(look_up(connection, uuid).get()));
}

void check_cpu(virConnectPtr connection, const LibvirtOptions& options, const std::string& cpu) {
    const auto demand = parse_cpu_text(cpu);
    if (demand.cpu_xml.empty()) return;
    const int verdict = virConnectCompareHypervisorCPU(
        connection, options.emulator_path.c_str(), demand.arch.c_str(), demand.machine.c_str(),
        demand.virt_type.c_str(), demand.cpu_xml.c_str(),
        VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
    if (verdict < 0) throw_last_error("compare CPUs");
    if (verdict == VIR_CPU_COMPARE_INCOMPATIBLE)
        throw HypervisorError(ErrorKind::incompatible_cpu,
                              "the guest's CPU needs features that this host does not have");
}

}  // namespace drover::hypervisor::libvirt
