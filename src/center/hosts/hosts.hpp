#pragma once

// The hosts of the center: their records, their links and their HostSystem objects' place and state
// of connection. What a host says of itself is mirrored elsewhere.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "center/link/host_link.hpp"
#include "task/runtime.hpp"
#include "vim/types.hpp"

namespace drover::center {

struct CenterContext;
class HostOperations;

/// What the administrator wants, whatever the network does.
enum class DesiredState { connected, disconnected };

struct Host {
    vim::MoRef ref;               ///< host-9; stable for life
    vim::MoRef compute_resource;  ///< domain-s8 or domain-c7
    std::string uuid;             ///< hardware.systemInfo.uuid
    std::string name;             ///< as it was added: its address, with the port unless 443
    std::unique_ptr<HostLink> link;
    DesiredState desired = DesiredState::connected;
    LinkTarget target;                  ///< with the center's own account on the host
    std::string thumbprint;             ///< SHA-1, as clients know it
    vim::HostListSummary last_summary;  ///< as it was last known, for hosts that don't answer
    LinkState shown = LinkState::disconnected;  ///< what the HostSystem says
    bool was_lost = false;                      ///< it was connected before it fell silent
    bool is_busy = false;                       ///< an operation changes its connection or place
};

/// A host that is to come into a cluster: known by its reference here, or else by a link to it.
struct Joining {
    std::string name;
    vim::MoRef host;
    std::shared_ptr<HostLink> link;
};

/// Belongs to the strand.
class Hosts {
public:
    explicit Hosts(CenterContext& context);
    ~Hosts();
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;

    Host* find(const vim::MoRef& ref) const;
    Host* find_by_uuid(std::string_view uuid) const;
    Host* find_by_name(std::string_view name) const;
    void for_each(const std::function<void(Host&)>& visit) const;
    std::size_t size() const { return hosts_.size(); }

    /// Called when a host is there, before its link runs: at start for each record, later for each
    /// that is added. Its HostSystem object exists by then. Subscribe before start().
    void on_added(std::function<void(Host&)> callback) { added_.push_back(std::move(callback)); }
    /// Called before a host goes: its link is stopped, its HostSystem object still there.
    void on_removed(std::function<void(Host&)> callback) {
        removed_.push_back(std::move(callback));
    }
    /// Called after the state of a host's link changed and its HostSystem shows it.
    void on_state(std::function<void(Host&, LinkState)> callback) {
        state_.push_back(std::move(callback));
    }

    /// Called after a host came under another compute resource, when its HostSystem is there.
    void on_moved(std::function<void(Host&)> callback) { moved_.push_back(std::move(callback)); }

    /// Asked before a host comes into a cluster; throws what speaks against it.
    using JoinCheck = std::function<task::Awaitable<void>(vim::MoRef cluster, Joining)>;
    void on_join(JoinCheck check) { join_check_ = std::move(check); }
    /// Awaited once a host has come into a cluster, before its task ends; must not throw.
    using Joined = std::function<task::Awaitable<void>(vim::MoRef cluster)>;
    void on_joined(Joined callback) { joined_ = std::move(callback); }

    /// A link to whoever a HostConnectSpec describes, logged in: as AddHost_Task looks first.
    task::Awaitable<std::shared_ptr<HostLink>> look(vim::Value connect_spec);

    /// Loads the records, publishes the HostSystems, starts the links, and serves the methods on
    /// hosts. Once, after the tree is there and before anybody is served. What a crash cut off is
    /// known to the saga runner from the constructor on.
    task::Awaitable<void> start();
    /// Stops all links; what is published stays.
    void stop();

private:
    friend class HostOperations;

    Host& install(std::unique_ptr<Host> host);
    void forget(const vim::MoRef& ref);
    void publish(const Host& host);
    void begin_link(Host& host);
    void show_state(Host& host, LinkState state);
    void tell_state(Host& host, LinkState before, LinkState now);

    CenterContext& context_;
    std::map<std::string, std::unique_ptr<Host>> hosts_;  // by reference id
    std::vector<std::function<void(Host&)>> added_, removed_, moved_;
    std::vector<std::function<void(Host&, LinkState)>> state_;
    JoinCheck join_check_;
    Joined joined_;
    std::unique_ptr<HostOperations> operations_;
    bool stopping_ = false;
};

}  // namespace drover::center
