#include "host/performance/sampler.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "host/host_system/capacity.hpp"
#include "host/performance/host_counters.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

// Long enough between the first two looks for rates that mean something.
constexpr std::chrono::seconds kFirstRates{1};
constexpr std::chrono::milliseconds kBusyPause{100};
// So many machines at once on the strand, then others have their turn: about a millisecond.
constexpr std::size_t kSlice = 128;

// From now to the clock's next full interval.
std::chrono::milliseconds until_next(base::WallTime now) {
    const auto into = now.time_since_epoch() % kSampleInterval;
    // A little later, so that a timer that is early by a hair doesn't fall into the interval
    // before.
    constexpr std::chrono::milliseconds margin{10};
    return std::chrono::ceil<std::chrono::milliseconds>(kSampleInterval - into) + margin;
}

// Times in the history stand on full intervals, though a look comes a little later.
base::WallTime on_interval(base::WallTime at) {
    return at - at.time_since_epoch() % kSampleInterval;
}

}  // namespace

Sampler::Sampler(const HostContext& context, FindMachine find_machine)
    : context_(context), find_machine_(std::move(find_machine)) {}

void Sampler::start() {
    soon();
    context_.runtime.spawn("sampler", run());
}

void Sampler::soon() {
    if (soon_pending_) return;
    soon_pending_ = true;
    context_.runtime.spawn("sample after a power-on", take_soon());
}

Awaitable<void> Sampler::take_soon() {
    co_await context_.runtime.sleep(kSoon);
    soon_pending_ = false;
    co_await try_take(false);
}

Awaitable<void> Sampler::run() {
    // The first sample, of a part of an interval, so that clients find figures from the start.
    co_await context_.runtime.sleep(kSoon + kFirstRates);
    co_await try_take(true);
    while (true) {
        co_await context_.runtime.sleep(until_next(context_.runtime.clock().wall_now()));
        co_await try_take(true);
    }
}

Awaitable<void> Sampler::try_take(bool keep) {
    try {
        co_await take(keep);
        if (failed_) base::log_info("performance figures are back");
        failed_ = false;
    } catch (const std::exception& error) {
        if (!failed_) base::log_warning("no performance figures: {}", error.what());
        failed_ = true;
    }
}

Awaitable<void> Sampler::take(bool keep_it) {
    while (taking_) co_await context_.runtime.sleep(kBusyPause);
    struct Turn {
        explicit Turn(bool& taking) : taking_(taking) { taking_ = true; }
        ~Turn() { taking_ = false; }
        bool& taking_;
    };
    const Turn turn(taking_);
    auto seen = std::make_shared<Look>(co_await context_.runtime.blocking(
        "sampler", [this, nics = physical_nic_names()] { return look(nics); }, kCallLimit));
    const base::WallTime now = context_.runtime.clock().wall_now();
    const auto known = std::make_shared<const Known>(co_await machines_of(*seen));
    Sample sample = co_await context_.runtime.blocking(
        "sampler", [this, seen, known, now] { return measure(*seen, *known, now); }, kCallLimit);
    std::erase_if(sample.machines, [this](const MachineUsage& usage) {
        return context_.inventory.find(usage.ref) == nullptr;  // gone in the meantime
    });
    if (keep_it) {
        co_await keep(sample);
        before_.clear();
        for (auto& domain : seen->domains) before_.emplace(domain.uuid, std::move(domain));
        host_before_ = std::move(seen->host);
    } else {
        for (const auto& domain : seen->domains) before_.try_emplace(domain.uuid, domain);
        if (!host_before_) host_before_ = std::move(seen->host);
    }
    for (const Listener& listener : listeners_) listener(sample);
}

Awaitable<void> Sampler::let_others_go() const {
    co_await boost::asio::post(context_.runtime.strand(), boost::asio::use_awaitable);
}

Awaitable<Sampler::Known> Sampler::machines_of(const Look& look) const {
    Known known;
    known.reserve(look.domains.size());
    for (const auto& domain : look.domains) {
        known.push_back(find_machine_(domain.uuid));
        if (known.size() % kSlice == 0) co_await let_others_go();
    }
    co_return known;
}

// Off the strand.
Sampler::Look Sampler::look(std::vector<std::string> nic_names) {
    Look seen;
    seen.domains = context_.hypervisor.stats();
    seen.host = read_host_counters(context_.hypervisor, nic_names);
    std::vector<hypervisor::DomainUuid> machines;
    for (const auto& domain : seen.domains) machines.push_back(domain.uuid);
    seen.memory = memories_.read(machines);
    return seen;
}

std::vector<std::string> Sampler::physical_nic_names() const {
    std::vector<std::string> names;
    const auto* host = context_.inventory.find(references::host);
    if (host == nullptr) return names;
    const vim::HostConfigInfo config(host->property(vim::property::HostSystem::config));
    if (!config || !config.network()) return names;
    for (const auto& nic : config.network().pnic()) names.emplace_back(nic.device());
    return names;
}

HostCapacity Sampler::capacity() const {
    const Capacity capacity = capacity_of(context_.config, context_.host_info);
    return {.cpu_mhz = capacity.core_mhz,
            .cores = static_cast<double>(capacity.cores),
            .memory_bytes = capacity.memory_bytes,
            .is_slice = capacity.is_part};
}

// Off the strand: with thousands of machines it takes a while.
Sample Sampler::measure(const Look& seen, const Known& known, base::WallTime at) const {
    Sample sample;
    sample.at = at;
    std::vector<MachineUsage> all;
    all.reserve(seen.domains.size());
    std::map<std::string, std::vector<std::size_t>> members;  // of pools, as indexes into `all`
    for (std::size_t number = 0; number < seen.domains.size(); ++number) {
        const auto& domain = seen.domains[number];
        const auto& machine = known[number];
        const auto earlier = before_.find(domain.uuid);
        MachineShape shape;
        if (machine) shape = shape_of(machine->config, machine->boot_time, at);
        if (const auto memory = seen.memory.find(domain.uuid); memory != seen.memory.end()) {
            shape.shared_bytes = memory->second.shared_bytes;
            shape.swapped_bytes = memory->second.swapped_bytes;
        }
        MachineUsage usage = measure_machine(earlier == before_.end() ? nullptr : &earlier->second,
                                             domain, shape, context_.host_info.cpu_mhz);
        if (machine) {
            usage.ref = machine->ref;
            for (const auto& pool : machine->pools) members[pool.id].push_back(all.size());
        }
        all.push_back(std::move(usage));
    }
    for (const auto& [pool, indexes] : members) {
        std::vector<const MachineUsage*> machines;
        for (const std::size_t index : indexes) machines.push_back(&all[index]);
        sample.pools.push_back({{vim::TypeId::ResourcePool, pool}, sum_of_pool(machines)});
    }
    // Foreign domains count for the host, whose CPU and memory they take.
    sample.host = measure_host(host_before_ ? &*host_before_ : nullptr, seen.host, all, capacity());
    std::erase_if(all, [](const MachineUsage& usage) { return !usage.ref; });
    sample.machines = std::move(all);
    return sample;
}

Awaitable<void> Sampler::keep(const Sample& sample) {
    const base::WallTime at = on_interval(sample.at);
    // Without rates (the first look) a sample would be half empty: it is left out.
    std::size_t count = 0;
    for (const MachineUsage& usage : sample.machines) {
        if (usage.cpu_mhz) history_.record(usage.ref.id, at, usage.readings);
        if (++count % kSlice == 0) co_await let_others_go();
    }
    if (sample.host.cpu_mhz) {
        history_.record(references::host.id, at, sample.host.readings);
        for (const PoolSample& pool : sample.pools) {
            history_.record(pool.ref.id, at, pool.readings);
        }
    }
    for (const std::string& entity : history_.entities()) {
        if (context_.inventory.find(entity) == nullptr) history_.forget(entity);
    }
}

}  // namespace drover::host
