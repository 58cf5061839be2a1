// Durable commits per second, alone and with many callers at once. The difference is what group
// commit gains.

#include "store/store.hpp"

#include <benchmark/benchmark.h>

#include <semaphore>

#include "store/temporary_directory.hpp"

namespace {

using namespace drover::store;

// range(0): how many commits are in flight at any time.
void commit_records(benchmark::State& state) {
    const TemporaryDirectory directory;
    const auto store = open_sqlite_store(directory.path() / "state.db");
    std::counting_semaphore<1024> free_slots(state.range(0));
    std::atomic<std::int64_t> failed = 0;
    std::int64_t number = 0;
    for (auto _ : state) {
        free_slots.acquire();
        Batch batch;
        batch.put({.kind = "vm",
                   .id = std::to_string(number++ % 1000),
                   .value = std::string(2000, 'x'),
                   .name = "web",
                   .parent = "group-v3"});
        store->commit(std::move(batch), [&](const std::exception_ptr& error) {
            if (error) ++failed;
            free_slots.release();
        });
    }
    store->flush();
    if (failed != 0) state.SkipWithError("a commit failed");
    const auto statistics = store->statistics();
    state.counters["commits/s"] =
        benchmark::Counter(static_cast<double>(number), benchmark::Counter::kIsRate);
    state.counters["batches/transaction"] =
        static_cast<double>(statistics.batches) / static_cast<double>(statistics.transactions);
}
BENCHMARK(commit_records)->Arg(1)->Arg(64)->UseRealTime();

void load_kind(benchmark::State& state) {
    const TemporaryDirectory directory;
    const auto store = open_sqlite_store(directory.path() / "state.db");
    Batch batch;
    for (int i = 0; i < 10'000; ++i) {
        batch.put({.kind = "vm",
                   .id = std::to_string(i),
                   .value = std::string(2000, 'x'),
                   .name = "",
                   .parent = ""});
    }
    store->commit_and_wait(std::move(batch));
    for (auto _ : state) benchmark::DoNotOptimize(store->load("vm"));
}
BENCHMARK(load_kind)->Unit(benchmark::kMillisecond);

}  // namespace
