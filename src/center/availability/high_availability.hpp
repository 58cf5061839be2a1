#pragma once

// High availability of clusters, as far as a center is needed for it: it says to the hosts what
// they protect, and shows what they do. Deciding and restarting is the hosts' alone; a center that
// is down, or one of the machines, changes nothing.

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "center/availability/draft.hpp"
#include "center/drs/drs.hpp"
#include "center/migration/migration_parts.hpp"

namespace drover::center {

/// The cluster as make_draft() wants it; nothing while a host of it has never been heard.
std::optional<DraftCluster> look_at_cluster(const MigrationParts& parts, const vim::MoRef& cluster);

/// Belongs to the strand.
class HighAvailability {
public:
    explicit HighAvailability(Drs& drs);
    HighAvailability(const HighAvailability&) = delete;
    HighAvailability& operator=(const HighAvailability&) = delete;

    /// Reads what the hosts were told last, serves RetrieveDasAdvancedRuntimeInfo and begins to
    /// follow. Once, after the hosts are there.
    task::Awaitable<void> start();

    /// An event that was copied from a host: what drover-had tells of a machine by its UUID gets
    /// the machine's name.
    void name_machine(vim::Event& event) const;

private:
    /// What is stored of a cluster, and what is known of it now.
    struct ClusterState {
        std::uint64_t version = 0;  ///< of what hosts were told last; never falls
        std::string catalogue;
        std::string datastore;  ///< its id
        std::string datastore_uuid;
        DraftEtcd etcd;
        std::string token;  ///< of that etcd
        std::string text;   ///< what hosts are to be told; empty: nothing is protected
        std::map<std::string, std::string> by_uuid;  ///< its machines' ids
        std::set<std::string> judged;  ///< the machines that `text` protects, or leaves out
        std::map<std::string, std::string> told_unprotected;  ///< machine -> why
        std::string told_problem;
        bool is_enabled = false;
        bool is_due = true;
        base::SteadyTime next{};
        base::SteadyTime next_level{};
        bool is_levelling = false;
    };
    struct HostState {
        std::string told;  ///< what it has taken last; it shows it a little later
        bool was_told = false;
        bool is_busy = false;
        base::SteadyTime next{};
        std::string problem;
        bool is_missed = false;  ///< an event has said that its drover-had is not there
        base::SteadyTime missed_since{};
    };
    struct StaleCopy {
        base::SteadyTime since{};
        bool is_busy = false;
    };

    const MigrationParts& parts() const { return drs_.parts(); }
    base::SteadyTime now() const { return parts().context.runtime.clock().steady_now(); }
    const vim::Value& config_of_cluster(const vim::MoRef& cluster) const;

    // high_availability.cpp
    task::Awaitable<void> load();
    task::Awaitable<void> store(std::string cluster);
    task::Awaitable<void> follow();
    task::Awaitable<void> visit_clusters();
    task::Awaitable<void> visit(vim::MoRef cluster);
    void observe(const model::Delta& delta);
    void mark_due();
    // admission.cpp
    task::Awaitable<void> before_start(vim::MoRef machine);
    task::Awaitable<void> require_failover_capacity(vim::MoRef cluster, vim::MoRef machine);
    // tell_hosts.cpp
    bool is_told(const vim::MoRef& host, const std::string& text) const;
    void tell_hosts();
    task::Awaitable<void> tell(vim::MoRef host, std::string text);
    void watch_agents();
    void show_down(const Host& host);
    // incidents.cpp
    void tell_unprotected(const vim::MoRef& cluster, const Draft& draft);
    void note_move(const model::ManagedObject& machine, const vim::Value& before);
    void look_for_stale_copies();
    task::Awaitable<void> remove_copy(vim::MoRef host, vim::MoRef copy, std::string machine);
    // das_view.cpp
    void serve();
    vim::Value runtime_info(const vim::MoRef& cluster) const;
    void show_levels();
    task::Awaitable<void> show_level(vim::MoRef cluster);

    Drs& drs_;
    std::map<std::string, ClusterState> clusters_;  ///< by their ids
    std::map<std::string, HostState> hosts_;
    std::map<std::pair<std::string, std::string>, StaleCopy> copies_;  ///< host, its id of it
    std::set<std::string> failed_;  ///< hosts whose failure was told
    base::SteadyTime next_look_for_copies_{};
    model::Subscription subscription_;
};

/// The state that a host shows (runtime.dasHostState.state); empty if it shows none.
std::string das_state_of(const CenterContext& context, const vim::MoRef& host);

}  // namespace drover::center
