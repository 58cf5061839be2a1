#pragma once

// The methods on hosts and what they need in common. One file for each of them.

#include <memory>
#include <set>
#include <string>

#include "center/context.hpp"
#include "center/hosts/host_account.hpp"
#include "center/hosts/host_address.hpp"
#include "center/hosts/hosts.hpp"
#include "task/saga.hpp"
#include "vim/hosts_types.hpp"
#include "vim/management_types.hpp"

namespace drover::center {

/// Belongs to the strand.
class HostOperations {
public:
    HostOperations(CenterContext& context, Hosts& hosts) : context_(context), hosts_(hosts) {}

    /// So that the saga runner can end what a crash cut off. In the constructor of Hosts.
    void declare_sagas();
    void serve();

private:
    friend class HostTurn;
    friend class Hosts;

    /// A host as it was found: who it is, and an administrator's link to it.
    struct Found {
        HostAddress address;
        Thumbprints thumbprints;
        std::shared_ptr<HostLink> link;
        vim::HostConnectInfo info;
        std::string uuid;
        std::string manager;  ///< the address of the center that manages it; may be empty
    };
    struct Addition {
        vim::HostConnectSpec spec;
        bool connect = true;
        vim::MoRef folder;   ///< of a stand-alone host
        vim::MoRef cluster;  ///< or where else it goes
        std::string user;
    };

    void serve_queries();

    // looking (query_host.cpp)
    task::Awaitable<Found> look(vim::HostConnectSpec spec, std::string expected_thumbprint);
    task::Awaitable<vim::Value> query_connection(vim::HostConnectSpec spec);
    task::Awaitable<vim::Value> query_own(task::Call call);

    // adding (add_host.cpp)
    task::Awaitable<Host*> add(Addition addition, task::TaskContextPtr task);
    task::Awaitable<Host*> add_found(Addition addition, Found found, task::TaskContextPtr task);
    void require_new(const Addition& addition, const Found& found) const;
    task::Saga adding(std::string parameters, std::shared_ptr<HostLink> administrator,
                      std::shared_ptr<Host> host);
    task::Awaitable<void> wait_until_shown(vim::MoRef ref);
    void post_failure(const Addition& addition, const vim::Fault& fault);

    // connecting (connect_host.cpp)
    task::Awaitable<void> disconnect(vim::MoRef ref, std::string user);
    task::Awaitable<void> reconnect(vim::MoRef ref, vim::HostConnectSpec spec);
    task::Awaitable<LinkTarget> renewed_target(Host& host, vim::HostConnectSpec spec,
                                               std::string* thumbprint);

    // moving and removing (move_host.cpp, remove_host.cpp)
    task::Awaitable<void> move_into_cluster(vim::MoRef cluster, std::vector<vim::MoRef> hosts);
    task::Awaitable<void> move_into_folder(vim::MoRef ref, vim::MoRef folder);
    void require_movable(const Host& host, const vim::MoRef& to) const;
    task::Awaitable<void> place(vim::MoRef ref, vim::MoRef compute_resource);
    task::Saga moving(std::string parameters);
    task::Awaitable<void> remove(vim::MoRef ref, std::string user);
    task::Saga removing(std::string parameters);

    Host& get(const vim::MoRef& ref) const;
    task::Awaitable<void> store(const Host& host);

    CenterContext& context_;
    Hosts& hosts_;
    std::set<std::string> being_added_;  // names and UUIDs
};

/// Holds a host for one operation. TaskInProgress if another has it.
class HostTurn {
public:
    HostTurn(HostOperations& operations, Host& host);
    ~HostTurn();
    HostTurn(const HostTurn&) = delete;
    HostTurn& operator=(const HostTurn&) = delete;

private:
    HostOperations& operations_;
    vim::MoRef ref_;
};

/// The value without any references to managed objects: they mean nothing outside their server.
vim::Value without_references(const vim::Value& value);

}  // namespace drover::center
