#pragma once

// This host's side of high availability: speaks with drover-had, which owns the leases of protected
// machines and decides whether they may run. This daemon makes their processes, standing still, and
// drover-had lets them go. src/had/README.md tells what is said.

#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "ha/protocol/ids.hpp"
#include "host/availability/timeline.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// Among a domain's metadata: where its second monitor is, which is drover-had's. The engine makes
/// it. A domain that has it is never continued, moved or let go by this daemon.
inline constexpr std::string_view kMetadataMonitor = "monitor";

/// Where a machine's second monitor is that drover-had could guard, and does not: it ran before it
/// was to be protected, or is not any more.
inline constexpr std::string_view kMetadataSpareMonitor = "spare_monitor";

/// Whether drover-had keeps the machine that runs here.
bool is_guarded(const Machine& machine);
/// Whether it could, while the machine runs.
bool has_spare_monitor(const Machine& machine);
/// Throws NotSupported if it does.
void require_not_guarded(const Machine& machine, std::string_view doing);

/// Where drover-had listens if the configuration does not say.
inline constexpr std::string_view kDefaultSocket = "/run/drover/ha/agent.sock";

/// What drover-had reads of what is protected; Protection writes it.
std::filesystem::path protection_file(const Config& config);
/// Whether drover-had is to be there on this host. Any thread that may block.
bool is_protected_host(const Config& config);

/// Belongs to the strand. Does nothing while drover-had is not there.
class Availability {
public:
    struct Actions {
        /// Starts a machine that stands still, with a lease that is there; the caller has it.
        std::function<task::Awaitable<void>(MachinePtr, std::uint64_t generation)> start;
        /// Registers the machine of this .vmx file.
        std::function<task::Awaitable<MachinePtr>(std::string path)> adopt;
        /// Ends a registration; the machine's files stay.
        std::function<task::Awaitable<void>(MachinePtr)> forget;
        /// Whether this host takes machines now.
        std::function<bool()> takes;
        /// A machine goes on that stood still for so long, since this host was without the
        /// datastore.
        std::function<void(const std::string& uuid, ha::Duration outage)> storage_is_back;
    };

    Availability(const HostContext& context, Machines& machines);

    /// After the machines have been compared with the hypervisor.
    void start(Actions actions);

    bool protects(const Machine& machine) const;
    /// Whether the machine's lease may be drover-had's business: it protects it, guards it still,
    /// or has not said yet what it does.
    bool keeps(const Machine& machine) const;
    /// Whether drover-had is to be there on this host.
    bool is_configured() const { return is_configured_ || !context_.config.ha_socket.empty(); }
    void set_configured(bool configured) { is_configured_ = configured; }
    bool is_connected() const { return is_greeted_; }
    /// Who is to be protected, by UUID, and where it lies, as soon as drover-had has read of it in
    /// a catalogue of this version.
    void expect(const std::map<std::string, std::uint64_t>& places, std::uint64_t version);
    /// Waits for that, but not for long: a machine that is started before it stays unprotected.
    task::Awaitable<void> settle(MachinePtr machine);
    /// The version of what drover-had protects.
    std::uint64_t catalogue() const { return catalogue_; }
    /// What goes into the metadata of its domain.
    std::string monitor_of(const Machine& machine) const;
    /// The same for one that is not protected; nothing where drover-had is not installed.
    std::optional<std::string> spare_monitor_of(std::string_view uuid) const;
    /// Has drover-had guard a machine that runs here already, by the lease that this host has: the
    /// generation of the lease that names drover-had's epoch. Nothing if it does not, or not yet.
    task::Awaitable<std::optional<std::uint64_t>> adopt(MachinePtr machine);

    /// Asks for the machine's lease; its generation. Throws what says why it can't be had.
    task::Awaitable<std::uint64_t> ask_for(MachinePtr machine);
    /// Its process exists, standing still: returns when it runs. Throws if it may not any more.
    task::Awaitable<void> let_go(MachinePtr machine, std::uint64_t generation);
    /// Its process could not be made.
    void start_failed(const Machine& machine, std::uint64_t generation);
    /// Ends the machine, and returns when its lease says that it is off.
    task::Awaitable<void> power_off(MachinePtr machine);
    /// Its process is about to be ended on purpose (or, `ends` = false, is not after all).
    void expect_end(const Machine& machine, bool ends);
    /// What stopped it (a disk that failed) is over: it goes on if this host may still run it. Else
    /// nothing happens, or it goes on when this host may again. Throws if drover-had is silent.
    task::Awaitable<void> go_on(MachinePtr machine);
    /// Its guest answers.
    void guest_ready(const Machine& machine);

    // Live migration (moving.cpp): drover-had at the source and at the target.

    /// By which lease a machine is given away: what the target has to know to let it run.
    struct Word {
        std::uint64_t generation = 0;
        std::uint64_t owner_epoch = 0;
        std::uint64_t successor_epoch = 0;
    };
    /// Throws NotSupported if this host can't take such a machine.
    void require_guards(std::string_view uuid) const;
    std::string monitor_of(std::string_view uuid) const;
    /// The target: room for the machine is made; the epoch in which it is awaited. Throws why not.
    task::Awaitable<std::uint64_t> expect(std::string uuid, std::string source);
    /// It is still on its way: to be said every few seconds.
    void still_expects(const std::string& uuid, const std::string& source);
    /// The target: it is given to this host, and stands still here. Whether it runs; false: it
    /// never will, and its process is ended. Throws if there is no answer.
    task::Awaitable<bool> let_in(std::string uuid, std::string source, Word word);
    /// It stays where it is, or comes no more. Whether it is here; if not, it never ran here.
    /// Throws if there is no answer.
    task::Awaitable<bool> call_off(std::string uuid);
    /// The source: names the target in the lease; its generation. Throws why not.
    task::Awaitable<std::uint64_t> offer(MachinePtr machine, std::string target,
                                         std::uint64_t epoch);
    /// Its process has ended: the word for the target. Nothing if it had run on after it was sent.
    task::Awaitable<std::optional<Word>> give(std::string uuid);
    /// The target has said that it never ran it and never will.
    void declined(const std::string& uuid, std::uint64_t generation);

private:
    using Socket = boost::asio::local::stream_protocol::socket;
    /// What has been heard of a machine that somebody waits for.
    struct Heard {
        bool asks_for_launch = false;
        std::optional<std::uint64_t> launch{};
        std::optional<std::uint64_t> awaited_in{};  ///< an epoch
        std::optional<std::uint64_t> offered_at{};  ///< a generation
        std::optional<Word> word{};
        bool kept = false;
        bool refused = false;
        bool runs = false;
        std::uint64_t runs_by = 0;  ///< a lease's generation
        bool off = false;
        bool lost = false;
    };
    class Wait;

    task::Awaitable<void> stay_connected();
    task::Awaitable<void> listen();
    task::Awaitable<void> tell_what_it_takes();
    void take(const std::string& line);
    void take_note(const TimelineNote& note);
    task::Awaitable<void> cancel_migration(std::string uuid);
    void take_move(const std::string& line, Heard& heard);
    task::Awaitable<void> wait_until_greeted();
    void send_json(const std::string& line);
    void greet(const std::string& line);
    void launch(const std::string& uuid, const std::string& path, std::uint64_t generation);
    task::Awaitable<MachinePtr> registered_at(MachinePtr known, std::string path);
    task::Awaitable<void> start_unasked(std::string uuid, std::string path,
                                        std::uint64_t generation);
    task::Awaitable<void> wait_for_end(MachinePtr machine);
    task::Awaitable<void> shut_down(MachinePtr machine);
    void send(const std::string& what, const std::string& uuid, std::uint64_t generation,
              bool done);
    void require_connected() const;
    bool has_nobody() const;

    const HostContext& context_;
    Machines& machines_;
    Actions actions_;
    std::optional<Socket> socket_;
    bool is_greeted_ = false;
    std::optional<bool> said_takes_;
    std::string monitors_;
    std::set<std::string> protected_;
    std::set<std::string> guarded_;  ///< as of the last greeting
    struct Expected {
        std::uint64_t place = 0;  ///< of its lease
        std::uint64_t since = 0;  ///< the version of the catalogue that named this place first
    };
    std::map<std::string, Expected> expected_;
    std::optional<base::SteadyTime> permit_lost_;
    std::set<std::string> restarting_;  ///< that nobody here has asked for
    std::uint64_t catalogue_ = 0;
    bool is_configured_ = false;
    std::map<std::string, Heard> heard_;
};

}  // namespace drover::host
