#include "host/performance/sampler.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"
#include "host/performance/performance_manager.hpp"

namespace drover::host {
namespace {

using simulated::missing_in;
using simulated::SimulatedHost;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

class SamplerTest : public testing::Test {
protected:
    SamplerTest() {
        model::Transaction transaction(host.inventory);
        transaction.create(references::host.type, references::host.id);
        transaction.commit();
        machine = host.add_machine("1", vim::VirtualMachinePowerState::poweredOn);
        serve_performance_manager(host.context, sampler.history());
        sampler.on_sample([this](const Sample& sample) { last = sample; });
    }

    /// The machine has used this much CPU, and so has the host.
    void let_pass(std::chrono::seconds since_start, std::uint64_t cpu_ns) {
        hypervisor::DomainStats stats;
        stats.uuid = hypervisor::DomainUuid("known");
        stats.taken_at = std::chrono::steady_clock::time_point(since_start);
        stats.cpu_time_ns = cpu_ns;
        stats.vcpus = {{.index = 0, .time_ns = cpu_ns}};
        auto foreign = stats;
        foreign.uuid = hypervisor::DomainUuid("foreign");
        host.engine.domain_stats = {stats, foreign};
        host.engine.counters.cpu_user_ns = cpu_ns;
        host.engine.counters.cpu_idle_ns = 4 * kSecondNs * std::uint64_t(since_start.count());
    }

    vim::PerfEntityMetric query(const vim::MoRef& entity) {
        auto spec = vim::PerfQuerySpec::make();
        spec.set_entity(entity);
        auto request = vim::QueryPerfRequest::make();
        request.set_querySpec({spec});
        const auto result = host.call(references::performance_manager, "QueryPerf", request.raw());
        return vim::PerfEntityMetric(result.elements()[0]);
    }

    SimulatedHost host;
    vim::MoRef machine;
    Sample last;
    Sampler sampler{host.context,
                    [this](const hypervisor::DomainUuid& uuid) -> std::optional<SampledMachine> {
                        if (uuid.value() != "known") return std::nullopt;
                        return SampledMachine{machine, {}, std::nullopt};
                    }};
};

TEST_F(SamplerTest, RatesComeWithTheSecondLook) {
    let_pass(std::chrono::seconds(0), 0);
    host.run(sampler.take(true));
    ASSERT_EQ(last.machines.size(), 1u);
    EXPECT_EQ(last.machines[0].ref, machine);
    EXPECT_FALSE(last.machines[0].cpu_mhz);
    EXPECT_EQ(query(machine).sampleInfo().size(), 0u);
    let_pass(std::chrono::seconds(20), 5 * kSecondNs);
    host.run(sampler.take(true));
    EXPECT_EQ(last.machines[0].cpu_mhz, 500u);
    const auto metric = query(machine);
    ASSERT_EQ(metric.sampleInfo().size(), 1u);
    EXPECT_EQ(metric.sampleInfo()[0].timestamp().time_since_epoch() % kSampleInterval,
              std::chrono::microseconds(0));
    EXPECT_GT(metric.value().size(), 10u);
}

TEST_F(SamplerTest, ALookInBetweenIsNotKeptButGivesAStart) {
    let_pass(std::chrono::seconds(2), 0);
    host.run(sampler.take(false));
    let_pass(std::chrono::seconds(12), 5 * kSecondNs);
    host.run(sampler.take(false));
    EXPECT_EQ(last.machines[0].cpu_mhz, 1000u);
    EXPECT_EQ(query(machine).sampleInfo().size(), 0u);
}

TEST_F(SamplerTest, AFailureIsToldAndTheNextLookWorks) {
    host.engine.fails = true;
    EXPECT_THROW(host.run(sampler.take(true)), std::runtime_error);
    host.engine.fails = false;
    let_pass(std::chrono::seconds(2), 0);
    EXPECT_NO_THROW(host.run(sampler.take(true)));
}

TEST_F(SamplerTest, ADestroyedMachineIsForgotten) {
    for (int i = 0; i < 2; ++i) {
        let_pass(std::chrono::seconds(20 * i), 0);
        host.run(sampler.take(true));
    }
    EXPECT_TRUE(sampler.history().find(machine.id));
    model::Transaction transaction(host.inventory);
    transaction.destroy(machine);
    transaction.commit();
    host.engine.domain_stats.clear();
    host.run(sampler.take(true));
    EXPECT_FALSE(sampler.history().find(machine.id));
}

TEST_F(SamplerTest, TheManagerIsComplete) {
    const auto& manager = host.inventory.get(references::performance_manager);
    namespace property = vim::property::PerformanceManager;
    EXPECT_EQ(missing_in(manager.property(property::perfCounter)), std::vector<std::string>{});
    EXPECT_EQ(manager.property(property::perfCounter).elements().size(), all_counters().size());
    EXPECT_EQ(missing_in(manager.property(property::description)), std::vector<std::string>{});
    auto request = vim::QueryPerfProviderSummaryRequest::make();
    request.set_entity(machine);
    const vim::PerfProviderSummary summary(
        host.call(references::performance_manager, "QueryPerfProviderSummary", request.raw()));
    EXPECT_TRUE(summary.currentSupported());
    EXPECT_EQ(summary.refreshRate(), 20);
    request.set_entity({vim::TypeId::VirtualMachine, "no-such"});
    EXPECT_THROW(
        host.call(references::performance_manager, "QueryPerfProviderSummary", request.raw()),
        vim::Fault);
}

TEST_F(SamplerTest, TheCompositeHasTheMachines) {
    auto spec = vim::PerfQuerySpec::make();
    spec.set_entity(references::host);
    auto request = vim::QueryPerfCompositeRequest::make();
    request.set_querySpec(spec);
    const vim::PerfCompositeMetric metric(
        host.call(references::performance_manager, "QueryPerfComposite", request.raw()));
    EXPECT_EQ(metric.entity().entity(), references::host);
    ASSERT_EQ(metric.childEntity().size(), 1u);
    EXPECT_EQ(metric.childEntity()[0].entity(), machine);
}

}  // namespace
}  // namespace drover::host
