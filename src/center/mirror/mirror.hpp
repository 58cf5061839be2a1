#pragma once

// The hosts' objects under the center's references. What a host says comes in by its link's update
// stream; it is kept as it was said, identified (registry.hpp), translated (translate.hpp) and
// published in few large transactions. What is above machines, datastores and networks is the
// center's own, and so is what the center alone knows of them.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "center/context.hpp"
#include "center/hosts/hosts.hpp"
#include "center/tree/tree.hpp"

namespace drover::center {

/// An object of a host, under that host's own reference.
struct HostObject {
    Host* host = nullptr;
    vim::MoRef ref;
};

/// Belongs to the strand. Outlives nothing that it is given.
class Mirror {
public:
    explicit Mirror(CenterContext& context);
    ~Mirror();
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;

    /// Reads the registry and publishes what is known of machines, datastores and networks while
    /// their hosts are not heard yet. After the tree's start and before the hosts'.
    task::Awaitable<void> start();
    /// Follows hosts as they come and go. Before Hosts::start().
    void follow(Hosts& hosts);

    // What follow() calls; tests do, too.
    void add_host(Host& host);
    void remove_host(Host& host);
    void take(Host& host, const vim::PropertyFilterUpdate& update, bool is_whole);
    void set_state(Host& host, LinkState state);
    /// After a host came under another compute resource: its machines go to that one's root pool,
    /// or into its datacenter.
    void host_moved(Host& host);

    /// Where an object lives: the host that is to be asked, and the reference there. For what
    /// several hosts have it is one that answers, if any does. Empty if the object is none of a
    /// host's.
    std::optional<HostObject> home_of(const vim::MoRef& center_ref) const;
    /// The same on one host; empty if it does not have it. Compute resources, pools, folders and
    /// datacenters of the center are found as well: each host has one of a kind.
    std::optional<vim::MoRef> host_ref_of(const Host& host, const vim::MoRef& center_ref) const;
    /// The center's name for an object of a host; unset if it has none (yet).
    vim::MoRef center_ref_of(const Host& host, const vim::MoRef& host_ref) const;
    /// The same for what may be gone by now: machines of which something is told afterwards.
    vim::MoRef former_ref_of(const Host& host, const vim::MoRef& host_ref) const;
    /// What a host last said of one of its objects, in its own references; unset if nothing.
    vim::Value said_of(const Host& host, const vim::MoRef& host_ref,
                       model::PropertyIndex property) const;
    /// All references in a value of a host as the center knows them. Unknown ones are left out.
    vim::Value to_center(const Host& host, const vim::Value& value) const;
    /// The hosts that have a datastore or network now, those that answer first.
    std::vector<Host*> hosts_of(const vim::MoRef& shared) const;
    /// The host's own datacenter, machine folder and root pool; unset before its first picture.
    vim::MoRef host_datacenter(const Host& host) const;
    /// On which entity privileges for an object are held that is none itself: a snapshot's machine,
    /// a browser's datastore, a manager's host. Unset if it is none of a host's.
    vim::MoRef anchor_of(const vim::MoRef& object) const;
    /// True once the host has told what it has since the center runs.
    bool has_picture(const Host& host) const;

    /// A machine is about to move: it stays if it vanishes from one host before the other has it,
    /// and is the same one there, wherever its files are.
    void expect_move(const vim::MoRef& machine, const vim::MoRef& from_host,
                     const vim::MoRef& to_host,
                     std::chrono::seconds limit = std::chrono::seconds{60});
    /// The move is over, however it ended.
    void end_move(const vim::MoRef& machine);

    /// Where a machine that the host is about to have will be. Known by its instanceUuid, or by its
    /// .vmx ("[datastore] path", in the host's words).
    struct Expected {
        vim::MoRef host;
        std::string uuid;
        std::string path;
        vim::MoRef folder;
        vim::MoRef pool;
    };
    using ExpectedKey = std::uint64_t;
    ExpectedKey expect_machine(Expected expected);
    void forget_expected(ExpectedKey key);
    /// Waits until an object of the host is published; its reference here. Unset after `limit`.
    task::Awaitable<vim::MoRef> appearance(Host& host, vim::MoRef host_ref,
                                           std::chrono::milliseconds limit);
    /// Reads objects of a host anew and waits until they are published: after a call that changed
    /// them has come back, for its caller expects to see what it did. What is not there any more
    /// goes.
    task::Awaitable<void> refresh(Host& host, std::vector<vim::MoRef> host_refs);
    /// Waits until a machine is no longer there; false after `limit`.
    task::Awaitable<bool> disappearance(vim::MoRef machine, std::chrono::milliseconds limit);

    /// Puts a machine into another folder or pool (unset: stays), and stores that.
    task::Awaitable<void> place_machine(vim::MoRef machine, vim::MoRef folder, vim::MoRef pool);

    /// Called after something that a host said was published.
    void on_activity(std::function<void(Host&)> callback);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // its coroutines hold it, too
};

}  // namespace drover::center
