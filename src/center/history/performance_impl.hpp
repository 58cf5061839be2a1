#pragma once

// What the files of this directory share. Only src/center/history includes it.

#include "center/history/counters.hpp"
#include "center/history/performance_history.hpp"

namespace drover::center {

struct PerformanceHistory::Impl : std::enable_shared_from_this<Impl> {
    Impl(CenterContext& the_context, Hosts& the_hosts, Mirror& the_mirror,
         Forwarding& the_forwarding)
        : context(the_context), hosts(the_hosts), mirror(the_mirror), forwarding(the_forwarding) {}

    CenterContext& context;
    Hosts& hosts;
    Mirror& mirror;
    Forwarding& forwarding;
    std::unique_ptr<store::SampleStore> store;
    std::optional<Archive> archive;
    model::Subscription gone;

    std::int64_t now_s() const;
    /// What the hosts count. Not known before the first host was heard.
    KeptCounters counters{vim::Value{}};
    bool is_loaded = false;
    OnNetwork on_network;
    void learn_counters();

    /// Asks every connected host for what is new, again and again.
    static task::Awaitable<void> pull(std::weak_ptr<Impl> weak);
    task::Awaitable<void> pull_host(vim::MoRef host);
    void take(const vim::PerfEntityMetric& metric);
    void tell_network(const vim::PerfEntityMetric& metric) const;

    /// What entities hold together (a cluster's hosts), for an entity that has no samples of its
    /// own.
    std::vector<vim::MoRef> members_of(const vim::MoRef& entity) const;
    /// Their samples added up; the mean of those in percent.
    task::Awaitable<ArchiveAnswer> sum_of_members(vim::MoRef entity, std::size_t level,
                                                  std::int64_t after_s, std::int64_t until_s,
                                                  std::vector<SeriesKey> keys);

    /// What the center itself counts of an entity is kept apart: it comes at other times than what
    /// hosts count, and of one thing in the archive only newer samples are taken.
    static std::string own_of(const std::string& entity) { return entity + "/own"; }
    task::Awaitable<void> forget(std::string entity);

    /// One answer of QueryPerf for an interval that is kept here.
    task::Awaitable<vim::Value> answer(vim::PerfQuerySpec spec, std::size_t level,
                                       std::string path);
};

/// QueryPerfProviderSummary, QueryAvailablePerfMetric, and what is asked of the intervals.
void serve_available_metrics(std::shared_ptr<PerformanceHistory::Impl> impl);

/// The index in kIntervals of an interval's length; nothing for other lengths.
std::optional<std::size_t> level_of(std::optional<std::int32_t> interval);

}  // namespace drover::center
