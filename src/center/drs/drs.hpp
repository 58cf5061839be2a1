#pragma once

// DRS: keeps the machines of clusters where they are served best. Looks every minute and shortly
// after something changed; carries out what it may and shows the rest.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "center/drs/cluster_view.hpp"
#include "center/drs/drs_history.hpp"
#include "center/drs/returns.hpp"
#include "center/drs/thought.hpp"
#include "center/migration/moves.hpp"
#include "plan/steps/execution.hpp"
#include "service/authorization/turns.hpp"
#include "vim/drs_types.hpp"
#include "vim/relocation_types.hpp"

namespace drover::center {

/// Belongs to the strand.
class Drs {
public:
    static constexpr std::chrono::seconds kInterval{60};
    static constexpr std::chrono::seconds kEnforceEvery{5};

    explicit Drs(Moves& moves);
    Drs(const Drs&) = delete;
    Drs& operator=(const Drs&) = delete;

    /// Reads the history, serves the methods and begins to look. Once, after the hosts are there
    /// and before the forwarding serves what nobody else does.
    task::Awaitable<void> start();

    const MigrationParts& parts() const { return moves_.parts(); }
    Moves& moves() { return moves_; }

    /// The cluster as it is now. `placing`: see view_cluster().
    ClusterView look(const vim::MoRef& cluster, std::span<const vim::MoRef> placing = {});
    bool is_enabled(const vim::MoRef& cluster) const;

    /// Thinks now, and waits for what comes of it to be shown (not for the migrations).
    task::Awaitable<void> refresh(vim::MoRef cluster);
    /// Looks anew soon.
    void note_change(const vim::MoRef& cluster);

    /// ApplyRecommendation: begins the moves of a recommendation and of those it needs.
    void apply(const vim::MoRef& cluster, std::string_view key, const std::string& user);
    /// CancelRecommendation.
    void cancel(const vim::MoRef& cluster, std::string_view key);

    /// Carries out a plan's migrations, those that it must keep to each other's order. The reasons
    /// are by machine, for people. Comes back when all have ended; false if any failed.
    task::Awaitable<bool> carry_out(std::shared_ptr<const ClusterView> view,
                                    plan::MigrationPlan plan,
                                    std::map<plan::MachineIndex, std::string> reasons,
                                    std::string user);

    /// Chooses a host for a machine that is off, makes room there and takes it there; the host.
    /// `task` may be cancelled. Throws InsufficientResourcesFault, NoCompatibleHost and what
    /// speaks against the way there.
    task::Awaitable<vim::MoRef> place(vim::MoRef machine, std::string user,
                                      task::TaskContextPtr task);
    /// Throws unless the pools can reserve what the machine needs to run.
    void require_reservations(const vim::MoRef& machine);
    /// Keeps a host's room for a machine while it starts.
    void starts_on(const vim::MoRef& machine, const vim::MoRef& host);
    void has_started(const vim::MoRef& machine);
    /// Awaited before a machine is started on its host, when its place is certain; throws what
    /// speaks against it.
    using BeforeStart = std::function<task::Awaitable<void>(vim::MoRef machine)>;
    void on_start(BeforeStart before) { before_start_ = std::move(before); }
    task::Awaitable<void> before_start(vim::MoRef machine);
    /// Tells that a machine was started, if DRS chose where, as DrsVmPoweredOnEvent.
    void tell_placed(vim::Event& event);
    /// It was not started after all.
    void forget_placed(const vim::MoRef& machine) { placed_.erase(machine.id); }
    /// Recommendations of where to start machines, for a person to choose from.
    std::vector<vim::ClusterRecommendation> offer_hosts(
        const vim::MoRef& cluster, const std::vector<vim::MoRef>& machines,
        std::vector<std::pair<vim::MoRef, vim::Fault>>& refused);

    /// What a machine was measured to send and receive.
    void note_network(const std::string& machine, double bytes_per_s) {
        figures_.sample_network(machine, bytes_per_s);
    }
    /// A host that is being emptied takes nobody.
    void set_leaving(const vim::MoRef& host, bool leaves);
    /// These machines leave the host for its maintenance; they go back after it if that helps.
    task::Awaitable<void> note_evacuated(vim::MoRef host, std::vector<vim::MoRef> machines) {
        return returns_.note(std::move(host), std::move(machines));
    }
    /// Waits until no migration of a plan is under way in the cluster.
    task::Awaitable<void> settled(vim::MoRef cluster);

    /// Called with every thought, before its moves begin.
    using OnThought = std::function<void(const ClusterView& view, const Thought& thought)>;
    void on_thought(OnThought callback) { on_thought_ = std::move(callback); }

    const Figures& figures() const { return figures_; }
    const DrsHistory& history() const { return history_; }

private:
    /// A recommendation that waits for a person.
    struct Offer {
        std::string key;
        vim::MoRef machine;
        vim::MoRef from;  ///< unset: it is to be started
        vim::MoRef to;
        std::vector<plan::StepIndex> steps{};
        vim::ClusterRecommendation shown;
        base::SteadyTime made{};
    };
    struct ClusterState {
        bool was_enabled = false;
        bool is_due = true;
        bool is_thinking = false;
        int running = 0;  ///< plans that are being carried out
        base::SteadyTime next{};
        std::vector<Offer> offers;  ///< of migrations
        std::vector<Offer> starts;  ///< of hosts for machines that are off
        std::shared_ptr<const ClusterView> view;
        std::shared_ptr<const plan::MigrationPlan> plan;        ///< whose steps the offers name
        std::set<std::pair<std::int32_t, std::string>> broken;  ///< rule, machine: told already
        std::uint64_t next_key = 1;
    };

    // drs.cpp
    task::Awaitable<void> follow_for_ever();
    void sample();
    void observe(const model::Delta& delta);
    void visit_clusters();
    ViewKnowledge knowledge();
    ClusterState& state_of(const vim::MoRef& cluster) { return clusters_[cluster.id]; }
    task::Awaitable<void> balance(vim::MoRef cluster);
    void forget_offers(const vim::MoRef& cluster, ClusterState& state);
    void apply_start(const vim::MoRef& cluster, const Offer& offer, const std::string& user);
    // bring_back.cpp
    void visit_returns();
    task::Awaitable<void> bring_back(vim::MoRef cluster, vim::MoRef host);
    // enforce_pools.cpp
    task::Awaitable<void> enforce_pools(vim::MoRef cluster);
    task::Awaitable<void> enforce_pools_for_ever();
    bool has_pools_to_enforce(const Host& host) const;
    // publish.cpp
    void publish(ClusterState& state, std::shared_ptr<const ClusterView> view,
                 const Thought& thought);
    void publish_offers(const vim::MoRef& cluster, const ClusterState& state);
    void publish_history(const vim::MoRef& cluster);
    void tell_rules(ClusterState& state, const ClusterView& view, const Thought& thought);
    // carry_out.cpp
    struct Run;
    task::Awaitable<void> move_as_task(vim::MoRef machine, vim::MoRef to, std::string user,
                                       std::string reason);
    task::Awaitable<void> carry_out_step(std::shared_ptr<Run> run, plan::StepIndex step);
    task::Awaitable<void> run_automatic(std::shared_ptr<const ClusterView> view,
                                        plan::MigrationPlan plan,
                                        std::map<plan::MachineIndex, std::string> reasons);

    Moves& moves_;
    Figures figures_;
    DrsHistory history_;
    Returns returns_;
    BeforeStart before_start_;
    OnThought on_thought_;
    std::map<std::string, ClusterState> clusters_;
    std::map<std::string, std::string> starting_;
    std::set<std::string> placed_;  // where DRS chose, until they are seen to run
    std::map<std::pair<std::string, std::string>, base::SteadyTime> refused_until_;
    std::set<std::pair<std::string, std::string>> refused_;
    std::map<std::string, int> leaving_count_;
    std::set<std::string> leaving_;
    std::map<std::string, std::string> told_parts_;                   // by host
    std::map<std::string, std::unique_ptr<service::Turns>> placing_;  // by compute resource
    base::SteadyTime sampled_{};
    model::Subscription subscription_;
};

/// The plan without the steps that are not wanted, and without what can't go on for want of them.
plan::MigrationPlan subset(const plan::MigrationPlan& plan, const std::vector<bool>& wanted);

/// PlaceVm of a cluster.
task::Awaitable<vim::Value> place_vm(Drs& drs, task::Call call);

/// The cluster's own methods; PowerOnVM_Task and PowerOnMultiVM_Task.
void serve_drs(Drs& drs);
void serve_power_on(Drs& drs);

}  // namespace drover::center
