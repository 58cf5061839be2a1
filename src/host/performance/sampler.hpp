#pragma once

// Looks at the machines and the host every 20 seconds, all in one go, keeps an hour of it and tells
// whoever shows current figures.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "host/performance/history.hpp"
#include "host/performance/machine_shape.hpp"
#include "host/performance/process_memory.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {

/// What the sampler must know of a machine that runs.
struct SampledMachine {
    vim::MoRef ref;
    vim::VirtualMachineConfigInfo config;
    std::optional<base::WallTime> boot_time;
    std::vector<vim::MoRef> pools{};  ///< the machine's own and all above it
};

/// What the running machines of a resource pool use together.
struct PoolSample {
    vim::MoRef ref;
    std::vector<Reading> readings;
};

struct Sample {
    base::WallTime at;
    std::vector<MachineUsage> machines;  ///< the registered ones that run
    std::vector<PoolSample> pools;       ///< those with machines that run
    HostUsage host;
};

/// Belongs to the strand.
class Sampler {
public:
    /// After a power-on the first figures shall not take a whole interval.
    static constexpr std::chrono::seconds kSoon{2};
    static constexpr std::chrono::seconds kCallLimit{15};

    /// The registered machine of a running domain; nothing for foreign domains.
    using FindMachine = std::function<std::optional<SampledMachine>(const hypervisor::DomainUuid&)>;
    using Listener = std::function<void(const Sample&)>;

    Sampler(const HostContext& context, FindMachine find_machine);

    /// Called on the strand with every sample; it may begin one transaction and must not wait.
    void on_sample(Listener listener) { listeners_.push_back(std::move(listener)); }

    /// Begins: one look soon, then one at every full 20 seconds of the clock.
    void start();

    /// Asks for a look kSoon from now (a machine was powered on). Many calls make one look.
    void soon();

    /// Looks once. Only a look with `keep` goes into the history. Throws what the hypervisor
    /// throws.
    task::Awaitable<void> take(bool keep);

    const History& history() const { return history_; }

private:
    struct Look {
        std::vector<hypervisor::DomainStats> domains;
        HostCounters host;
        std::map<hypervisor::DomainUuid, ProcessMemory> memory;
    };
    using Domains = std::map<hypervisor::DomainUuid, hypervisor::DomainStats>;

    task::Awaitable<void> run();
    task::Awaitable<void> take_soon();
    task::Awaitable<void> try_take(bool keep);
    Look look(std::vector<std::string> nic_names);
    std::vector<std::string> physical_nic_names() const;
    HostCapacity capacity() const;
    /// The machines of the domains, in their order.
    using Known = std::vector<std::optional<SampledMachine>>;
    task::Awaitable<Known> machines_of(const Look& look) const;
    Sample measure(const Look& look, const Known& known, base::WallTime at) const;
    task::Awaitable<void> keep(const Sample& sample);
    task::Awaitable<void> let_others_go() const;

    const HostContext& context_;
    FindMachine find_machine_;
    std::vector<Listener> listeners_;
    History history_;
    ProcessMemories memories_;  // of the queue that looks
    // The last look that was kept: rates are counted from it. A first look at a machine between two
    // kept ones stands here as well, so that the next one has something to count from.
    Domains before_;
    std::optional<HostCounters> host_before_;
    bool taking_ = false;  ///< one look at a time: measuring reads before_ off the strand
    bool soon_pending_ = false;
    bool failed_ = false;
};

}  // namespace drover::host
