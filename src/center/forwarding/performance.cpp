// The figures that hosts keep: questions about several hosts' objects are put to all of them at
// once, and the answers stand in the order of the questions.

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "center/forwarding/forwarding_impl.hpp"
#include "center/history/own_counters.hpp"
#include "center/references.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostSpecs = 20'000;
constexpr std::chrono::seconds kQueryLimit{60};

struct Part {
    MoRef host;
    std::vector<std::size_t> places;  // in the whole question
    std::vector<vim::PerfQuerySpec> specs;
};

struct Join {
    explicit Join(const boost::asio::any_io_executor& strand)
        : done(strand, boost::asio::steady_timer::time_point::max()) {}
    std::size_t open = 0;
    boost::asio::steady_timer done;
    std::vector<Value> answers;
    std::exception_ptr failure;
};

MoRef performance_manager(const Host& host) {
    const auto manager = host.link->content().perfManager();
    if (!manager) throw vim::make_fault<vim::NotSupported>("The host has no figures.");
    return *manager;
}

Awaitable<void> ask(Forwarding::Impl& impl, Part part, std::shared_ptr<Join> join) {
    try {
        Host* host = impl.hosts.find(part.host);
        if (host == nullptr) throw vim::object_not_found(part.host);
        auto request = vim::QueryPerfRequest::make();
        request.set_querySpec(part.specs);
        const Value answer = co_await impl.self.call({host, performance_manager(*host)},
                                                     "QueryPerf", request.raw(), kQueryLimit);
        const auto metrics = answer ? answer.elements() : std::span<const Value>{};
        for (std::size_t i = 0; i < metrics.size() && i < part.places.size(); ++i) {
            join->answers[part.places[i]] = metrics[i];
        }
    } catch (...) {
        join->failure = std::current_exception();
    }
    if (--join->open == 0) join->done.cancel();
}

std::vector<Part> parts_of(Forwarding::Impl& impl, const std::vector<vim::PerfQuerySpec>& specs) {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const HostObject home = impl.self.home_of(specs[i].entity());
        auto part = std::ranges::find(parts, home.host->ref, &Part::host);
        if (part == parts.end()) part = parts.insert(parts.end(), {home.host->ref, {}, {}});
        part->places.push_back(i);
        part->specs.push_back(specs[i]);
    }
    return parts;
}

// Any connected host: all of them count alike.
HostObject any_manager(Forwarding::Impl& impl) {
    Host* found = nullptr;
    impl.hosts.for_each([&found](Host& host) {
        if (found == nullptr && host.link && host.link->state() == LinkState::connected) {
            found = &host;
        }
    });
    if (found == nullptr) {
        throw vim::make_fault<vim::HostNotConnected>("No host is connected.");
    }
    return {found, performance_manager(*found)};
}

void serve_on_entity(Forwarding::Impl& impl, std::string_view method) {
    if (impl.context.dispatcher.serves(*vim::find_method(method))) return;
    impl.context.dispatcher.add(
        method, [&impl, name = std::string(method)](Call call) -> Awaitable<Value> {
            const Value& entity =
                call.request.property(name == "QueryPerfComposite" ? "querySpec" : "entity");
            const MoRef ref = entity.kind() == vim::ValueKind::moref
                                  ? entity.as_moref()
                                  : vim::PerfQuerySpec(entity).entity();
            const HostObject home = impl.self.home_of(ref);
            co_return co_await impl.self.call({home.host, performance_manager(*home.host)}, name,
                                              call.request, kQueryLimit);
        });
}

// What only hosts and machines have; entities above them have no figures of their own.
void serve_provider_summary(Forwarding::Impl& impl) {
    if (impl.context.dispatcher.serves(*vim::find_method("QueryPerfProviderSummary"))) return;
    impl.context.dispatcher.add("QueryPerfProviderSummary", [&impl](Call call) -> Awaitable<Value> {
        const MoRef entity = call.arguments<vim::QueryPerfProviderSummaryRequest>().entity();
        impl.context.inventory.get(entity);
        if (!impl.mirror.home_of(entity)) {
            auto summary = vim::PerfProviderSummary::make();
            summary.set_entity(entity);
            summary.set_currentSupported(false);
            summary.set_summarySupported(false);
            co_return summary.raw();
        }
        const HostObject home = impl.self.home_of(entity);
        co_return co_await impl.self.call({home.host, performance_manager(*home.host)},
                                          "QueryPerfProviderSummary", call.request);
    });
}

Value with_own(const Value& known, const std::vector<vim::PerfCounterInfo>& own) {
    std::vector<Value> all;
    if (known) all.assign(known.elements().begin(), known.elements().end());
    for (const auto& each : own) all.push_back(each.raw());
    return Value::array(TypeId::PerfCounterInfo, std::move(all));
}

// Those of the hosts are any host's to explain, and those of the center follow.
Awaitable<Value> query_counters(Forwarding::Impl& impl, Call call) {
    std::vector<std::int32_t> theirs;
    std::vector<vim::PerfCounterInfo> ours;
    for (const std::int32_t id : call.arguments<vim::QueryPerfCounterRequest>().counterId()) {
        if (!is_own_counter(id)) theirs.push_back(id);
        for (const auto& each : own_counters()) {
            if (each.key() == id) ours.push_back(each);
        }
    }
    if (theirs.empty() && !ours.empty()) co_return with_own({}, ours);
    auto request = vim::QueryPerfCounterRequest::make();
    request.set_counterId(theirs);
    co_return with_own(
        co_await impl.self.call(any_manager(impl), "QueryPerfCounter", request.raw()), ours);
}

void serve_counters(Forwarding::Impl& impl) {
    const auto is_served = [&impl](std::string_view method) {
        return impl.context.dispatcher.serves(*vim::find_method(method));
    };
    if (!is_served("QueryPerfCounter")) {
        impl.context.dispatcher.add("QueryPerfCounter", [&impl](Call call) -> Awaitable<Value> {
            return query_counters(impl, std::move(call));
        });
    }
    if (!is_served("QueryPerfCounterByLevel")) {
        impl.context.dispatcher.add(
            "QueryPerfCounterByLevel", [&impl](Call call) -> Awaitable<Value> {
                const Value known = co_await impl.self.call(
                    any_manager(impl), "QueryPerfCounterByLevel", call.request);
                co_return with_own(known, own_counters());
            });
    }
}

// The manager says what the first host says that is heard.
void publish_counters(Forwarding::Impl& impl, const Host& host) {
    namespace property = vim::property::PerformanceManager;
    const MoRef& self = references::performance_manager;
    const model::ManagedObject* object = impl.context.inventory.find(self);
    if (object == nullptr || !host.link) return;
    const Value& known = object->property(property::perfCounter);
    if (known && !known.elements().empty()) return;
    const auto manager = host.link->content().perfManager();
    if (!manager) return;
    const Value counters = impl.mirror.said_of(host, *manager, property::perfCounter);
    if (!counters) return;
    model::Transaction transaction(impl.context.inventory);
    transaction.set(self, property::perfCounter, with_own(counters, own_counters()));
    transaction.set(self, property::description,
                    impl.mirror.said_of(host, *manager, property::description));
    transaction.commit();
}

}  // namespace

Awaitable<std::vector<Value>> Forwarding::query_perf(std::vector<vim::PerfQuerySpec> specs) {
    Impl& impl = *impl_;
    const auto parts = parts_of(impl, specs);
    const auto join = std::make_shared<Join>(impl.context.runtime.strand());
    join->answers.resize(specs.size());
    join->open = parts.size();
    for (const Part& part : parts) {
        impl.context.runtime.spawn("QueryPerf", ask(impl, part, join));
    }
    if (join->open > 0) {
        co_await join->done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (join->failure) std::rethrow_exception(join->failure);
    co_return std::move(join->answers);
}

void serve_performance(Forwarding::Impl& impl) {
    auto& context = impl.context;
    const MoRef& self = references::performance_manager;
    if (context.inventory.find(self) == nullptr) {
        model::Transaction transaction(context.inventory);
        transaction.create(self.type, self.id);
        transaction.set(self, vim::property::PerformanceManager::historicalInterval,
                        Value::array(TypeId::PerfInterval, {}));
        transaction.set(self, vim::property::PerformanceManager::description,
                        vim::PerformanceDescription::make().raw());
        transaction.commit();
    }
    impl.mirror.on_activity([&impl](Host& host) { publish_counters(impl, host); });
    impl.hosts.for_each([&impl](Host& host) { publish_counters(impl, host); });
    if (!context.dispatcher.serves(*vim::find_method("QueryPerf"))) {
        context.dispatcher.add("QueryPerf", [&impl](Call call) -> Awaitable<Value> {
            const auto specs = call.arguments<vim::QueryPerfRequest>().querySpec().to_vector();
            if (specs.size() > kMostSpecs) {
                throw vim::invalid_argument(
                    "querySpec", fmt::format("One call may have {} entries at most.", kMostSpecs));
            }
            auto answers = co_await impl.self.query_perf(specs);
            std::erase_if(answers, [](const Value& each) { return !each; });
            co_return Value::array(TypeId::PerfEntityMetricBase, std::move(answers));
        });
    }
    serve_on_entity(impl, "QueryAvailablePerfMetric");
    serve_on_entity(impl, "QueryPerfComposite");
    serve_provider_summary(impl);
    serve_counters(impl);
}

}  // namespace drover::center
