// What a day of 10,000 machines with ten counters each costs the disk: bytes, and time per hour of
// samples. `bytes_per_day` is the size of the file when the first interval holds all that it keeps.

#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include "center/history/archive.hpp"
#include "store/temporary_directory.hpp"

namespace drover::center {
namespace {

constexpr std::int64_t kMachines = 10'000;
constexpr std::int32_t kCounters = 10;
constexpr std::int64_t kBegin = 1'700'006'400 / 86'400 * 86'400;

Rollup always_average(std::int32_t) {
    return Rollup::average;
}

void a_day_of_ten_thousand_machines(benchmark::State& state) {
    const store::TemporaryDirectory directory;
    const auto store = store::open_sqlite_samples(directory.path() / "samples.db");
    boost::asio::io_context io;
    const base::SystemClock clock;
    task::Runtime runtime(boost::asio::make_strand(io), clock, 2);
    Archive archive(runtime, *store, always_average);
    std::int64_t now_s = kBegin;
    const auto hour = [&] {
        // A minute is the finest that matters here: the mean of what the hosts sampled.
        for (std::int64_t at = now_s + 60; at <= now_s + 3600; at += 60) {
            for (std::int64_t machine = 0; machine < kMachines; ++machine) {
                std::vector<Measured> values;
                for (std::int32_t counter = 0; counter < kCounters; ++counter) {
                    const auto noise = static_cast<std::int64_t>(at * 7919 % 97 + machine % 13);
                    values.emplace_back(SeriesKey{counter, ""}, 1000 * counter + noise);
                }
                archive.add("vm-" + std::to_string(machine), at, values);
            }
        }
        now_s += 3600;
    };
    hour();
    for (auto _ : state) {
        state.PauseTiming();
        hour();
        state.ResumeTiming();
        auto done =
            boost::asio::co_spawn(runtime.strand(), archive.flush(now_s), boost::asio::use_future);
        while (done.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
            io.restart();
            io.run_one();
        }
        done.get();
    }
    const auto hours = static_cast<double>(now_s - kBegin) / 3600.0 - 1.0;
    state.counters["bytes_per_day"] = static_cast<double>(store->size_bytes()) / hours * 24.0;
}
BENCHMARK(a_day_of_ten_thousand_machines)->Iterations(6)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drover::center
