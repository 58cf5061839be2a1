#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <string>
#include <vector>

#include "center/compatibility/cpu_facts.hpp"
#include "plan/cpu/promise.hpp"

namespace drover::center {

/// The CPU baselines of the clusters: keeps them, tells them to the hosts, shows them. Belongs to
/// the strand.
class ClusterCpu {
public:
    ClusterCpu(CenterContext& context, Hosts& hosts)
        : context_(context), hosts_(hosts), pause_(context.runtime.strand()) {}
    ClusterCpu(const ClusterCpu&) = delete;
    ClusterCpu& operator=(const ClusterCpu&) = delete;

    /// Reads what is stored, serves the methods, and follows the hosts from now on. Once, when the
    /// hosts are there and before requests come.
    task::Awaitable<void> start();

    /// The members and what they offer, as it was last known; those of unknown offer are left out.
    std::vector<plan::HostCpu> members(const vim::MoRef& cluster) const;
    /// What has been seen by the machines that run in the cluster or are suspended there.
    std::vector<SeenCpu> machines(const vim::MoRef& cluster) const;
    std::vector<vim::MoRef> hosts_of(const vim::MoRef& cluster) const;

    /// The cluster's EVC mode; nullptr if there is none.
    const plan::EvcMode* mode_of(const vim::MoRef& cluster) const;
    /// Stores another one (nullptr: none), tells it to the hosts that are connected, and shows it.
    task::Awaitable<void> set_mode(vim::MoRef cluster, const plan::EvcMode* mode, std::string user);

    /// What machines on hosts of this vendor may see: what all of them have, lowered to `mode`.
    plan::Baseline baseline(const vim::MoRef& cluster, plan::CpuVendor vendor,
                            const plan::EvcMode* mode) const;
    /// The vendor of the cluster's hosts; unknown if they differ or there are none.
    plan::CpuVendor vendor_of(const vim::MoRef& cluster) const;

    /// The cluster's ClusterEVCManager, made when it is first asked for.
    vim::MoRef manager_of(const vim::MoRef& cluster);

    CenterContext& context() const { return context_; }
    Hosts& hosts() const { return hosts_; }

private:
    task::Awaitable<void> load();
    void note_news(const model::Delta& delta);
    task::Awaitable<void> follow_for_ever();
    task::Awaitable<void> follow();
    task::Awaitable<void> keep_offers();
    task::Awaitable<void> tell(vim::MoRef host);
    bool is_settled(const vim::MoRef& host) const;
    bool is_to_be_told(const vim::MoRef& host) const;
    task::Awaitable<void> settle(vim::MoRef cluster);
    void note_members();
    void note_change(const vim::MoRef& cluster, const std::string& user);
    void show(const vim::MoRef& cluster);
    std::vector<vim::MoRef> clusters() const;
    plan::Promise promise_for(const Host& host) const;
    void forget_gone();

    CenterContext& context_;
    Hosts& hosts_;
    model::Subscription news_;
    boost::asio::steady_timer pause_;  // of following; ends early if there are news
    bool has_news_ = false;
    std::map<std::string, std::string> modes_;  // by the cluster's id
    /// A host that shows what it should, as of these.
    struct Settled {
        std::uint64_t generation = 0;
        vim::Value config;
    };

    std::map<std::string, plan::Cpu> offers_;      // by the host's id
    std::map<std::string, std::string> told_;      // by the host's id; not repeated for a while
    std::map<std::string, plan::Baseline> noted_;  // by the cluster's id: the last event's
    std::map<std::string, vim::Value> read_;       // by the host's id: the config of its offer
    std::map<std::string, Settled> settled_;       // by the host's id
    std::map<std::string, std::string> places_;    // compute resources, by the host's id
    std::uint64_t generation_ = 1;                 // of offers, modes and places
    std::map<std::string, vim::MoRef> managers_;   // by the cluster's id
};

/// ClusterEVCManager's methods, and EvcManager().
void serve_evc(ClusterCpu& clusters);

}  // namespace drover::center
