#include <fmt/format.h>

#include "base/log.hpp"
#include "center/history/performance_impl.hpp"
#include "center/references.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kPullInterval{60};
constexpr std::chrono::seconds kFirstLook{2};
// What hosts keep.
constexpr std::int64_t kHostsKeep_s = 3'600;
// net.usage.average, in KB/s.
constexpr std::int32_t kNetworkUsage = 143;
constexpr double kKilobyte = 1024;

std::int64_t seconds_of(base::WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

base::WallTime time_of(std::int64_t seconds) {
    return base::WallTime{std::chrono::seconds{seconds}};
}

}  // namespace

std::int64_t PerformanceHistory::Impl::now_s() const {
    return seconds_of(context.runtime.clock().wall_now());
}

void PerformanceHistory::Impl::learn_counters() {
    if (!counters.ids().empty()) return;
    const auto* manager = context.inventory.find(references::performance_manager);
    if (manager == nullptr) return;
    counters = KeptCounters(manager->property(vim::property::PerformanceManager::perfCounter));
}

Awaitable<void> PerformanceHistory::Impl::pull(std::weak_ptr<Impl> weak) {
    while (true) {
        const auto self = weak.lock();
        if (!self) co_return;
        self->learn_counters();
        // How samples are rolled up is known only now.
        if (!self->is_loaded && !self->counters.ids().empty()) {
            co_await self->archive->load(self->now_s());
            self->is_loaded = true;
        }
        std::vector<MoRef> hosts;
        self->hosts.for_each([&hosts](const Host& host) {
            if (host.link && host.link->state() == LinkState::connected) hosts.push_back(host.ref);
        });
        for (const MoRef& host : hosts) {
            try {
                co_await self->pull_host(host);
            } catch (const std::exception& error) {
                base::log_debug("no figures of {}: {}", host.id, error.what());
            }
        }
        try {
            co_await self->archive->flush(self->now_s());
        } catch (const std::exception& error) {
            base::log_warning("figures can't be stored: {}", error.what());
        }
        const auto pause = self->is_loaded ? kPullInterval : kFirstLook;
        co_await self->context.runtime.sleep(pause);
    }
}

// The host and its running machines, each from its own newest sample on.
Awaitable<void> PerformanceHistory::Impl::pull_host(MoRef host) {
    const auto* object = context.inventory.find(host);
    if (!is_loaded || object == nullptr) co_return;
    std::vector<MoRef> entities{host};
    const Value& machines = object->property(vim::property::HostSystem::vm);
    for (const Value& each : machines ? machines.elements() : std::span<const Value>{}) {
        entities.push_back(each.as_moref());
    }
    std::vector<vim::PerfMetricId> metrics;
    for (const std::int32_t id : counters.ids()) {
        auto metric = vim::PerfMetricId::make();
        metric.set_counterId(id);
        metric.set_instance("");
        metrics.push_back(metric);
    }
    std::vector<vim::PerfQuerySpec> specs;
    const std::int64_t oldest_s = now_s() - kHostsKeep_s;
    for (const MoRef& entity : entities) {
        auto spec = vim::PerfQuerySpec::make();
        spec.set_entity(entity);
        spec.set_startTime(time_of(std::max(archive->newest_s(entity.id), oldest_s)));
        spec.set_metricId(metrics);
        spec.set_intervalId(static_cast<std::int32_t>(kSample_s));
        spec.set_format("normal");
        specs.push_back(spec);
    }
    const auto answers = co_await forwarding.query_perf(specs);
    for (const Value& each : answers) {
        if (each && vim::is_a(each.type(), TypeId::PerfEntityMetric)) {
            take(vim::PerfEntityMetric(each));
            tell_network(vim::PerfEntityMetric(each));
        }
    }
}

void PerformanceHistory::Impl::take(const vim::PerfEntityMetric& metric) {
    const auto infos = metric.sampleInfo().to_vector();
    const std::string entity = metric.entity().id;
    std::vector<std::vector<Measured>> samples(infos.size());
    for (const auto& element : metric.value()) {
        const vim::PerfMetricIntSeries series(element.raw());
        const SeriesKey key{series.id().counterId(), std::string(series.id().instance())};
        std::size_t index = 0;
        for (const std::int64_t value : series.value()) {
            if (index < samples.size() && value != kNoSample)
                samples[index].emplace_back(key, value);
            ++index;
        }
    }
    for (std::size_t index = 0; index < infos.size(); ++index) {
        if (samples[index].empty()) continue;
        archive->add(entity, seconds_of(infos[index].timestamp()), samples[index]);
    }
}

void PerformanceHistory::Impl::tell_network(const vim::PerfEntityMetric& metric) const {
    if (!on_network || metric.entity().type != TypeId::VirtualMachine) return;
    double sum = 0;
    int count = 0;
    for (const auto& element : metric.value()) {
        const vim::PerfMetricIntSeries series(element.raw());
        if (series.id().counterId() != kNetworkUsage || !series.id().instance().empty()) continue;
        for (const std::int64_t value : series.value()) {
            if (value == kNoSample) continue;
            sum += static_cast<double>(value);
            ++count;
        }
    }
    if (count > 0) on_network(metric.entity().id, kKilobyte * sum / count);
}

Awaitable<void> PerformanceHistory::Impl::forget(std::string entity) {
    co_await archive->forget(entity);
    co_await archive->forget(own_of(entity));
}

void PerformanceHistory::add_own(const vim::MoRef& entity, std::vector<Measured> values) {
    // Before the past is loaded it would be taken for new.
    if (!impl_->is_loaded) return;
    impl_->archive->add(Impl::own_of(entity.id), impl_->now_s(), values);
}

void PerformanceHistory::on_network(OnNetwork callback) {
    impl_->on_network = std::move(callback);
}

PerformanceHistory::PerformanceHistory(CenterContext& context, Hosts& hosts, Mirror& mirror,
                                       Forwarding& forwarding)
    : impl_(std::make_shared<Impl>(context, hosts, mirror, forwarding)) {}

PerformanceHistory::~PerformanceHistory() = default;

Awaitable<void> PerformanceHistory::start() {
    Impl& impl = *impl_;
    impl.store = co_await impl.context.runtime.blocking(
        "samples",
        [path = impl.context.config.state_directory / "performance.db"] {
            return store::open_sqlite_samples(path);
        },
        std::chrono::seconds{60});
    impl.archive.emplace(impl.context.runtime, *impl.store, [&impl](std::int32_t counter) {
        return impl.counters.rollup_of(counter);
    });
    impl.gone = impl.context.inventory.observe([&impl](const model::Delta& delta) {
        for (const auto& object : delta.destroyed) {
            const auto type = object->type();
            if (type != TypeId::VirtualMachine && type != TypeId::HostSystem &&
                !vim::is_a(type, TypeId::ComputeResource)) {
                continue;
            }
            impl.context.runtime.spawn("figures", impl.forget(object->id()));
        }
    });
    impl.context.runtime.spawn("figures", Impl::pull(impl_));
}

}  // namespace drover::center
