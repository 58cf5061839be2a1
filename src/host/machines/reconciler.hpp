#pragma once

#include <memory>
#include <set>
#include <unordered_map>

#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// Keeps what is shown of machines true: follows the hypervisor's events, and compares everything
/// with the hypervisor after a start of this process, a lost connection or a datastore's return.
class Reconciler {
public:
    Reconciler(const HostContext& context, Machines& machines, Leases& leases);
    ~Reconciler();

    /// Compares everything once, then follows events. Call once, on the strand.
    task::Awaitable<void> start();

    /// A datastore went or came back.
    void datastore_changed(const DatastoreEntry& entry);

    /// Somebody has written or removed this file of a datastore.
    void file_changed(const storage::DatastorePath& path);

    /// Somebody has just seen which machines run. Where that is news it is looked at: a daemon that
    /// comes back tells nobody of a domain that it failed to find again.
    void seen_running(const std::set<std::string>& machines);

    /// AnswerVM: the administrator has decided.
    task::Awaitable<vim::Value> answer(task::Call call);

    /// Called with a machine whose guest agent has just come, or that was found running.
    void on_guest(std::function<void(const MachinePtr&)> callback) {
        on_guest_ = std::move(callback);
    }

    /// What is done to machines that high availability guards: whether one may run, and that it is
    /// off, is not this host agent's to say.
    struct Guarding {
        std::function<task::Awaitable<void>(MachinePtr)> go_on;
        std::function<task::Awaitable<void>(MachinePtr)> power_off;
    };
    /// Without it they stay as they are.
    void on_guarded(Guarding guarding) { guarding_ = std::move(guarding); }

private:
    using Running = std::unordered_map<hypervisor::DomainUuid, hypervisor::DomainInfo>;
    /// What is known of a machine when it is compared.
    struct Seen {
        std::optional<hypervisor::DomainInfo> domain{};
        std::optional<bool> lease_is_ours{};  ///< unset: not asked yet
        bool just_read = false;               ///< its file and its directory
    };
    struct Round;
    static constexpr std::string_view kAnswerRetry = "0";
    static constexpr std::string_view kAnswerPowerOff = "1";

    task::Awaitable<void> compare_all(bool just_read);
    task::Awaitable<void> compare_slice(Round& round, std::size_t first);
    task::Awaitable<void> compare(MachinePtr machine, std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<bool> settle(MachinePtr machine, Seen seen);
    task::Awaitable<void> settle_running(MachinePtr machine, Seen seen);
    task::Awaitable<bool> settle_stopped(MachinePtr machine, Seen seen);
    void report_found_running(const std::vector<MachinePtr>& machines) const;
    task::Awaitable<void> end_stray(MachinePtr machine);
    task::Awaitable<void> settle_suspend(MachinePtr machine);
    void look_again_later(const MachinePtr& machine);
    task::Awaitable<void> look_when_free(MachinePtr machine);
    task::Awaitable<void> look_again(MachinePtr machine);
    task::Awaitable<void> go_on(MachinePtr machine);
    task::Awaitable<void> datastore_is_back(std::string name);
    task::Awaitable<void> read_again(MachinePtr machine);
    void handle(const hypervisor::Event& event);
    void handle_lifecycle(const hypervisor::LifecycleEvent& event);
    void set_question(Machine& machine);

    const HostContext& context_;
    Machines& machines_;
    Leases& leases_;
    std::set<VmId> waiting_;  ///< for the task that has them to end
    std::function<void(const MachinePtr&)> on_guest_;
    Guarding guarding_;
    std::unique_ptr<hypervisor::Subscription> subscription_;
    bool connected_ = false;
    bool first_listing_ = false;  ///< under way
    std::uint64_t next_question_ = 1;
};

}  // namespace drover::host
