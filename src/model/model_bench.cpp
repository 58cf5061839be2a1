// 10,000 machines: reading them, following them, and what they cost in memory.

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <time.h>

#include <algorithm>

#include "model/property_collector.hpp"
#include "model/test_world.hpp"
#include "model/views.hpp"

namespace drover::model {
namespace {

using namespace testing;

constexpr int kMachines = 10'000;

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

Value make_summary(int number, vim::VirtualMachinePowerState state) {
    auto summary = vim::VirtualMachineSummary::make();
    auto config = vim::VirtualMachineConfigSummary::make();
    config.set_name(fmt::format("machine{}", number));
    config.set_numCpu(2);
    config.set_memorySizeMB(512);
    summary.set_config(config);
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    runtime.set_powerState(state);
    summary.set_runtime(runtime);
    auto stats = vim::VirtualMachineQuickStats::make();
    stats.set_overallCpuUsage(number % 100);
    summary.set_quickStats(stats);
    return summary.raw();
}

struct Large {
    World world;
    Jobs jobs;
    base::SeededRandom random{1};
    PropertyCollectors collectors{world.inventory, "pc", random, jobs.schedule()};
    Views views{world.inventory, "ViewManager", world.root, random};
    std::shared_ptr<TestReader> reader = std::make_shared<TestReader>();
    std::vector<MoRef> machines;
    std::size_t bytes_per_machine = 0;
    MoRef view;

    Large() {
        const auto before = heap_bytes();
        std::vector<Value> refs;
        Transaction tx(world.inventory);
        for (int i = 0; i < kMachines; ++i) {
            const MoRef vm = World::add(tx, TypeId::VirtualMachine, fmt::format("vm-{}", i + 100),
                                        fmt::format("machine{}", i), world.vm_folder);
            tx.set(vm, property::VirtualMachine::config, World::make_config(i));
            tx.set(vm, property::VirtualMachine::runtime,
                   World::make_runtime(vim::VirtualMachinePowerState::poweredOff));
            tx.set(vm, property::VirtualMachine::summary,
                   make_summary(i, vim::VirtualMachinePowerState::poweredOff));
            refs.push_back(Value::moref(vm));
            machines.push_back(vm);
        }
        tx.set(world.vm_folder, property::Folder::childEntity,
               Value::array(TypeId::ManagedEntity, std::move(refs)));
        tx.commit();
        bytes_per_machine = (heap_bytes() - before) / kMachines;
        view = views.create_container_view(*reader, world.root, {"VirtualMachine"}, true);
    }

    vim::PropertyFilterSpec spec(const std::vector<std::string_view>& paths) const {
        return filter({properties("VirtualMachine", paths)},
                      {start(view, {traversal("", "ContainerView", "view")}, true)});
    }
};

Large& large() {
    static Large shared;
    return shared;
}

// What happens on the strand: nothing but walking and copying references.
void gather(benchmark::State& state, const std::vector<std::string_view>& paths) {
    auto& all = large();
    const auto spec = all.spec(paths);
    for (auto _ : state) {
        auto retrieval =
            all.collectors.begin_retrieval(all.reader, all.collectors.well_known(), {spec});
        if (!retrieval.advance(1'000'000)) state.SkipWithError("not done");
        if (retrieval.take()->size() != kMachines) state.SkipWithError("not all machines");
    }
    state.counters["bytes_per_machine"] = static_cast<double>(all.bytes_per_machine);
}
BENCHMARK_CAPTURE(gather, three, {"name", "runtime.powerState", "summary"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(gather, devices, {"config.hardware.device"})->Unit(benchmark::kMillisecond);

// What happens off the strand, before the codec: the answer's data objects.
void put_together(benchmark::State& state, const std::vector<std::string_view>& paths) {
    auto& all = large();
    auto retrieval =
        all.collectors.begin_retrieval(all.reader, all.collectors.well_known(), {all.spec(paths)});
    retrieval.advance(1'000'000);
    const auto gathered = retrieval.take();
    for (auto _ : state) benchmark::DoNotOptimize(gathered->result());
}
BENCHMARK_CAPTURE(put_together, three, {"name", "runtime.powerState", "summary"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(put_together, devices, {"config.hardware.device"})->Unit(benchmark::kMillisecond);

void three_properties_of_one_machine(benchmark::State& state) {
    auto& all = large();
    const auto spec =
        filter({properties("VirtualMachine", {"name", "runtime.powerState", "summary"})},
               {start(all.machines[5'000])});
    for (auto _ : state) {
        auto retrieval =
            all.collectors.begin_retrieval(all.reader, all.collectors.well_known(), {spec});
        if (!retrieval.advance(1'000)) state.SkipWithError("not done");
        benchmark::DoNotOptimize(retrieval.take()->result());
    }
}
BENCHMARK(three_properties_of_one_machine)->Unit(benchmark::kMicrosecond);

// The longest time for which a retrieval of all machines holds the strand.
void longest_piece(benchmark::State& state) {
    auto& all = large();
    const auto spec = all.spec({"name", "runtime.powerState", "summary"});
    double longest_ms = 0;
    for (auto _ : state) {
        auto retrieval =
            all.collectors.begin_retrieval(all.reader, all.collectors.well_known(), {spec});
        for (bool done = false; !done;) {
            timespec begin{};
            timespec end{};
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
            done = retrieval.advance(1'000);
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
            longest_ms =
                std::max(longest_ms, static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                                         static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e6);
        }
    }
    state.counters["longest_ms"] = longest_ms;
}
BENCHMARK(longest_piece)->Unit(benchmark::kMillisecond);

// Ten thousand machines come one by one into lists that hold all of them.
void add_machines(benchmark::State& state) {
    for (auto _ : state) {
        World world;
        for (int i = 0; i < kMachines; ++i) world.add_machine(i + 100'000);
    }
}
BENCHMARK(add_machines)->Unit(benchmark::kMillisecond);

// Every machine changes its power state in a commit of its own; then the waiting filter answers.
void power_changes_through_a_waiting_filter(benchmark::State& state) {
    auto& all = large();
    const auto own = all.collectors.create_property_collector(*all.reader);
    all.collectors.create_filter(all.reader, own, all.spec({"name", "runtime.powerState"}), false);
    std::string version(all.collectors.check_for_updates(all.reader, own, "").value().version());
    static bool on = false;  // the machines stay as the last run left them
    for (auto _ : state) {
        std::size_t updates = 0;
        on = !on;
        all.collectors.wait_for_updates(
            all.reader, own, version, {}, [&](const WaitResult& result) {
                if (!result.updates) return;
                version = result.updates->version();
                updates = result.updates->filterSet()[0].objectSet().size();
            });
        all.jobs.run();
        for (const MoRef& vm : all.machines) {
            all.world.power(vm, on ? vim::VirtualMachinePowerState::poweredOn
                                   : vim::VirtualMachinePowerState::poweredOff);
        }
        all.jobs.run();
        if (updates != kMachines) state.SkipWithError("not all changes");
    }
    all.collectors.destroy_property_collector(*all.reader, own);
}
BENCHMARK(power_changes_through_a_waiting_filter)->Unit(benchmark::kMillisecond);

// One machine comes and goes under a filter that waits over a container view of all.
void one_machine_more_and_less(benchmark::State& state) {
    auto& all = large();
    const auto own = all.collectors.create_property_collector(*all.reader);
    all.collectors.create_filter(all.reader, own, all.spec({"name"}), false);
    std::string version(all.collectors.check_for_updates(all.reader, own, "").value().version());
    for (auto _ : state) {
        const MoRef vm = all.world.add_machine(1);
        version = all.collectors.check_for_updates(all.reader, own, version).value().version();
        all.world.remove_machine(vm);
        version = all.collectors.check_for_updates(all.reader, own, version).value().version();
    }
    all.collectors.destroy_property_collector(*all.reader, own);
}
BENCHMARK(one_machine_more_and_less)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drover::model
