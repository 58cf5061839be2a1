#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/disk_move.hpp"
#include "hypervisor/domain_info.hpp"
#include "hypervisor/domain_spec.hpp"
#include "hypervisor/events.hpp"
#include "hypervisor/host_info.hpp"
#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/migration.hpp"

namespace drover::hypervisor {

enum class InitialState { running, paused };

/// Who is asked when the guest shall shut down or restart by itself.
enum class GuestRequest {
    acpi,   ///< press the power button; the guest may ignore it
    agent,  ///< the guest agent; agent_unavailable if it is not connected
    any,    ///< the agent if it is connected, else ACPI
};

/// The engine that runs machines on one host.
///
/// Every call blocks, and all of them may be used from any thread at the same time. Calls for one
/// domain should come one after the other (a queue per domain): the engine serializes them anyway,
/// and a domain whose QEMU hangs then holds up only its own queue. No call waits for ever: each has
/// a deadline, after which it throws HypervisorError(timed_out) and its effect is unknown. Without
/// a connection every call throws `unavailable` at once.
///
/// Domains are transient: the engine forgets them when they stop, and never starts one by itself.
class Hypervisor {
public:
    virtual ~Hypervisor() = default;

    // Power

    /// Starts a domain. already_running, device_in_use (a disk image is locked), missing_file,
    /// insufficient_memory, unsupported, invalid_spec, ...
    virtual DomainInfo start(const DomainSpec& spec,
                             InitialState state = InitialState::running) = 0;

    /// Writes the memory and state of a running or paused domain to a file and ends the domain. If
    /// it fails (no_space) the domain goes on as before. The file is written by the engine.
    virtual void save(const DomainUuid& uuid, const std::string& path) = 0;

    /// Starts a domain from `save`'s file. `spec` must describe the same hardware; host-side
    /// details (paths, limits, metadata) may differ. The file stays; who owns it removes it.
    virtual DomainInfo restore(const std::string& path, const DomainSpec& spec,
                               InitialState state = InitialState::running) = 0;

    /// False if the file was cut short (a crash during `save`) or is no such file; missing_file if
    /// there is none.
    virtual bool is_save_image_complete(const std::string& path) = 0;

    /// Ends the domain at once, as if its power cord were pulled. not_found if it doesn't run.
    virtual void destroy(const DomainUuid& uuid) = 0;
    /// Presses the reset button.
    virtual void reset(const DomainUuid& uuid) = 0;
    /// Asks the guest to turn itself off, and returns. Watch for LifecycleKind::stopped.
    virtual void shutdown(const DomainUuid& uuid, GuestRequest how) = 0;
    /// Asks the guest to restart, and returns. Watch for LifecycleKind::rebooted.
    virtual void reboot(const DomainUuid& uuid, GuestRequest how) = 0;
    /// Stops the vCPUs; memory stays where it is. No error if they are stopped already.
    virtual void pause(const DomainUuid& uuid) = 0;
    /// Lets the vCPUs run. After an I/O error this repeats the failed requests. No error if the
    /// domain is running.
    virtual void resume(const DomainUuid& uuid) = 0;

    // Inventory and use

    /// All domains that run on this host, foreign ones included (they have no metadata).
    virtual std::vector<DomainInfo> list() = 0;
    /// One domain, or nothing if it doesn't run.
    virtual std::optional<DomainInfo> find(const DomainUuid& uuid) = 0;
    /// Counters of all running domains in one go. A domain that is busy with a long operation comes
    /// with what is known without waiting for it.
    virtual std::vector<DomainStats> stats() = 0;
    /// Replaces the domain's metadata as a whole (DomainSpec::metadata).
    virtual void set_metadata(const DomainUuid& uuid,
                              const std::map<std::string, std::string>& metadata) = 0;

    // Guest agent. Each waits at most about 3 s for an answer; agent_unavailable otherwise.

    virtual GuestInfo guest_info(const DomainUuid& uuid) = 0;
    virtual bool agent_ping(const DomainUuid& uuid) = 0;

    // Devices of a running domain

    /// Puts a medium (an image, stated format) into a cdrom or floppy drive, or ejects with none.
    /// `force` overrides a guest that has locked the tray.
    virtual void change_media(const DomainUuid& uuid, const std::string& target,
                              const std::optional<DiskImage>& media, bool force = false) = 0;
    /// Plugs or unplugs the network cable of the NIC with this MAC address.
    virtual void set_link_state(const DomainUuid& uuid, const std::string& mac, bool up) = 0;
    virtual Screenshot screenshot(const DomainUuid& uuid) = 0;
    /// Asks the guest's balloon driver to leave it this much memory. It may take its time.
    virtual void set_balloon(const DomainUuid& uuid, std::uint64_t memory_bytes) = 0;
    virtual void set_cpu_tuning(const DomainUuid& uuid, const CpuTuning& tuning) = 0;

    // What an engine need not be able to do; by default it is `unsupported`.

    /// Presses these keys (codes of the USB keyboard page) at once and lets them go.
    virtual void press_keys(const DomainUuid& uuid, const std::vector<std::uint32_t>& usb_codes);
    /// Sends a non-maskable interrupt to the guest.
    virtual void inject_nmi(const DomainUuid& uuid);
    /// Asks the guest, through its agent, to suspend to its own memory.
    virtual void sleep_guest(const DomainUuid& uuid);
    /// Plugs a device into a running domain, at the place that the specification states: a disk on
    /// a SCSI controller, or a NIC. Either it is there in the end, or an error is thrown.
    virtual void attach_disk(const DomainUuid& uuid, const DomainSpec& spec, const DiskSpec& disk);
    virtual void attach_nic(const DomainUuid& uuid, const NicSpec& nic);
    /// Takes a device away. A guest that does not let go of it in time makes this timed_out.
    virtual void detach_disk(const DomainUuid& uuid, const std::string& target);
    virtual void detach_nic(const DomainUuid& uuid, const std::string& mac);
    /// Joins the NIC to another bridge of the host.
    virtual void set_bridge(const DomainUuid& uuid, const std::string& mac,
                            const std::string& bridge);

    // Moving disks of a running domain to other files of this host (see disk_move.hpp);
    // `unsupported` by default.

    /// Starts copying a disk, with all its layers, into a file that the caller has made, with the
    /// disk's capacity; an image of its own from then on. missing_file, device_in_use (it is being
    /// moved already), ...
    virtual void begin_disk_move(const DomainUuid& uuid, const std::string& target,
                                 const DiskImage& to);
    /// All disks of the domain, those that stay included. not_found if it doesn't run.
    virtual std::vector<DiskMove> disk_moves(const DomainUuid& uuid);
    /// Lets the guest go on with the new file alone. invalid_state unless the move is ready.
    virtual void finish_disk_move(const DomainUuid& uuid, const std::string& target);
    /// The disk stays on the file that it is on. No error if it isn't being moved.
    virtual void cancel_disk_move(const DomainUuid& uuid, const std::string& target);
    /// Copies the firmware's variables into a file that the caller has made, of the same size, and
    /// has the firmware keep them there. No error if they are there already.
    virtual void move_nvram(const DomainUuid& uuid, const std::string& path);

    // Moving a running domain to another host (see migration.hpp); `unsupported` by default.

    /// The local unix socket at which this engine takes what other engines send it: the other end
    /// of MigrationSpec::destination_socket. Empty: none can come.
    virtual std::string migration_socket();
    /// Lets a domain come: call before the source starts. Domains that nobody expects may be
    /// refused. It holds until the domain is here or `forget_migration`; again is no error.
    virtual void expect_migration(const IncomingDomain& incoming);
    virtual void forget_migration(const DomainUuid& uuid);
    /// Moves a running (or paused) domain and returns when it is there and gone here. On an error
    /// it goes on here as if nothing had happened, except for:
    ///   * `unavailable`: the connection to the engine was lost; look again once it is back;
    ///   * `post_copy_failed`: it stands still on both sides; only `destroy` helps;
    ///   * `outcome_unknown`: the other engine was lost in the moment of the switch-over. The
    ///     domain may run there or here; it is the lease that decides.
    /// Others: cancelled, stalled, incompatible_cpu, peer_unreachable, peer_untrusted, and what the
    /// destination says to a start (missing_file, insufficient_memory, device_in_use, ...).
    /// There is no limit to the whole; it ends when nothing moves for `stall_limit`.
    virtual MigrationResult migrate(const DomainUuid& uuid, const MigrationSpec& spec);
    /// Of a migration that `migrate` does now; nothing if there is none. Cheap; ask once a second.
    virtual std::optional<MigrationProgress> migration_progress(const DomainUuid& uuid);
    /// Makes `migrate` end with `cancelled`. No error if none is under way any more; invalid_state
    /// in post-copy.
    virtual void cancel_migration(const DomainUuid& uuid);
    /// Lets the guest run there at once and fetch the rest of its memory from here. invalid_state
    /// if no memory is being copied now, or `post_copy` was not allowed.
    virtual void start_post_copy(const DomainUuid& uuid);
    /// What the guest sees as its CPU, for `check_cpu` of another host's engine. Opaque text.
    virtual std::string cpu_of(const DomainUuid& uuid);
    /// Throws incompatible_cpu, with the features that are missing, if such a guest can't run here.
    virtual void check_cpu(const std::string& cpu);

    // Host

    virtual HostInfo host_info() = 0;
    virtual HostStats host_stats() = 0;

    // Events

    /// The sink is told the present state of the connection first, then what happens from now on.
    /// The hypervisor must outlive the subscription.
    [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(EventSink sink) = 0;
};

}  // namespace drover::hypervisor
