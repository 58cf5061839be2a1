#include "host/performance/query.hpp"

#include <gtest/gtest.h>

#include "vim/fault.hpp"

namespace drover::host {
namespace {

constexpr std::int32_t kCpuUsage = 2;
constexpr std::int32_t kVirtualDiskRead = 173;

base::WallTime second(std::int64_t seconds) {
    return base::WallTime(std::chrono::seconds(1'767'225'600 + seconds));  // 2026-01-01
}

class Query : public testing::Test {
protected:
    Query() {
        for (std::uint32_t i = 1; i <= 5; ++i) {
            history_.record("vm-1", second(20 * i),
                            std::vector<Reading>{{Counter::cpu_usage, "", i * 100},
                                                 {Counter::cpu_usage, "0", 7},
                                                 {Counter::virtual_disk_read, "scsi0:0", i}});
        }
    }
    static vim::PerfQuerySpec spec() {
        auto made = vim::PerfQuerySpec::make();
        made.set_entity({vim::TypeId::VirtualMachine, "vm-1"});
        made.set_intervalId(20);
        return made;
    }
    static vim::PerfMetricId metric(std::int32_t counter, std::string_view instance) {
        auto id = vim::PerfMetricId::make();
        id.set_counterId(counter);
        id.set_instance(instance);
        return id;
    }
    vim::PerfEntityMetric run(const vim::PerfQuerySpec& wanted) {
        return PerformanceQuery(history_).run(wanted, "querySpec[0]").as<vim::PerfEntityMetric>();
    }
    static std::vector<std::int64_t> values(const vim::PerfEntityMetric& metric,
                                            std::size_t index) {
        return metric.value()[index].as<vim::PerfMetricIntSeries>().value().to_vector();
    }

    History history_;
};

TEST_F(Query, GivesAllThatThereIs) {
    const auto metric = run(spec());
    EXPECT_EQ(metric.value().size(), 3u);
    ASSERT_EQ(metric.sampleInfo().size(), 5u);
    EXPECT_EQ(metric.sampleInfo()[0].timestamp(), second(20));
    EXPECT_EQ(metric.sampleInfo()[0].interval(), 20);
    EXPECT_EQ(values(metric, 0), (std::vector<std::int64_t>{100, 200, 300, 400, 500}));
}

TEST_F(Query, ChoosesByInstance) {
    auto wanted = spec();
    wanted.set_metricId({this->metric(kCpuUsage, "")});
    EXPECT_EQ(run(wanted).value().size(), 1u);
    wanted.set_metricId({this->metric(kCpuUsage, "*"), this->metric(kCpuUsage, "0")});
    EXPECT_EQ(run(wanted).value().size(), 2u);
    wanted.set_metricId({this->metric(kVirtualDiskRead, "scsi0:1")});
    EXPECT_EQ(run(wanted).value().size(), 0u);
}

TEST_F(Query, StartIsExclusiveAndEndInclusive) {
    auto wanted = spec();
    wanted.set_startTime(second(40));
    wanted.set_endTime(second(80));
    const auto metric = run(wanted);
    ASSERT_EQ(metric.sampleInfo().size(), 2u);
    EXPECT_EQ(metric.sampleInfo()[0].timestamp(), second(60));
    EXPECT_EQ(metric.sampleInfo()[1].timestamp(), second(80));
}

TEST_F(Query, MaxSampleGivesTheNewest) {
    auto wanted = spec();
    wanted.set_maxSample(1);
    const auto metric = run(wanted);
    ASSERT_EQ(metric.sampleInfo().size(), 1u);
    EXPECT_EQ(metric.sampleInfo()[0].timestamp(), second(100));
    wanted.set_maxSample(1000);
    EXPECT_EQ(run(wanted).sampleInfo().size(), 5u);
}

TEST_F(Query, CsvSaysTheSame) {
    auto wanted = spec();
    wanted.set_format("csv");
    wanted.set_maxSample(2);
    wanted.set_metricId({this->metric(kCpuUsage, "")});
    const auto metric = PerformanceQuery(history_).run(wanted, "q").as<vim::PerfEntityMetricCSV>();
    EXPECT_EQ(metric.sampleInfoCSV(), "20,2026-01-01T00:01:20Z,20,2026-01-01T00:01:40Z");
    ASSERT_EQ(metric.value().size(), 1u);
    EXPECT_EQ(metric.value()[0].value(), "400,500");
}

TEST_F(Query, AnEntityWithoutSamplesHasAnAnswer) {
    auto wanted = spec();
    wanted.set_entity({vim::TypeId::VirtualMachine, "vm-2"});
    EXPECT_EQ(run(wanted).entity().id, "vm-2");
    EXPECT_EQ(run(wanted).value().size(), 0u);
}

TEST_F(Query, RefusesWhatMakesNoSense) {
    auto wanted = spec();
    wanted.set_intervalId(300);
    EXPECT_THROW(run(wanted), vim::Fault);
    wanted = spec();
    wanted.set_format("xml");
    EXPECT_THROW(run(wanted), vim::Fault);
    wanted = spec();
    wanted.set_metricId({this->metric(99'999, "")});
    EXPECT_THROW(run(wanted), vim::Fault);
    wanted = spec();
    wanted.set_maxSample(-1);
    EXPECT_THROW(run(wanted), vim::Fault);
}

TEST_F(Query, OneCallIsBound) {
    PerformanceQuery query(history_, 40);  // one answer has 20: three series and the times
    EXPECT_NO_THROW(query.run(spec(), "q"));
    EXPECT_NO_THROW(query.run(spec(), "q"));
    EXPECT_THROW(query.run(spec(), "q"), vim::Fault);
}

TEST_F(Query, ListsWhatIsAvailable) {
    EXPECT_EQ(available_metrics(history_, "vm-1", {}, {}).size(), 3u);
    EXPECT_EQ(available_metrics(history_, "vm-1", second(100), {}).size(), 0u);
    EXPECT_EQ(available_metrics(history_, "vm-9", {}, {}).size(), 0u);
}

TEST(History, KeepsAnHourAndNoMore) {
    History history;
    for (std::uint32_t i = 1; i <= 500; ++i) {
        history.record("vm-1", second(20 * i), std::vector<Reading>{{Counter::cpu_usage, "", i}});
    }
    const auto view = history.find("vm-1");
    ASSERT_TRUE(view);
    EXPECT_EQ(view->end() - view->begin(), History::kSamples);
    EXPECT_EQ(view->time(view->begin()), second(20 * 321));
    EXPECT_EQ(view->value(view->series()[0], view->begin()), 321u);
    EXPECT_EQ(view->value(view->series()[0], view->end() - 1), 500u);
}

TEST(History, KeepsNumbersOfEverySize) {
    History history;
    const auto number = [](std::uint32_t i) {
        return i < 250 ? i : i == 251 ? 65'535u : i * 1'000;
    };
    for (std::uint32_t i = 1; i <= 300; ++i) {
        std::vector<Reading> readings{{Counter::cpu_usage, "", 7}};
        if (i % 50 != 0) readings.push_back({Counter::cpu_usage_mhz, "", number(i)});
        history.record("vm-1", second(20 * i), readings);
        const auto view = history.find("vm-1");
        for (auto sample = view->begin(); sample < view->end(); ++sample) {
            const auto at = static_cast<std::uint32_t>(sample + 1);
            EXPECT_EQ(view->value(view->series()[0], sample), 7u);
            ASSERT_EQ(view->value(view->series()[1], sample),
                      at % 50 == 0 ? History::kMissing : number(at));
        }
    }
}

TEST(History, GapsAreMissingAndGoneSeriesGo) {
    History history;
    const std::vector<Reading> with_disk{{Counter::cpu_usage, "", 1},
                                         {Counter::virtual_disk_read, "scsi0:0", 5}};
    const std::vector<Reading> without{{Counter::cpu_usage, "", 1}};
    history.record("vm-1", second(20), without);
    history.record("vm-1", second(40), with_disk);
    history.record("vm-1", second(60), without);
    auto view = history.find("vm-1");
    ASSERT_EQ(view->series().size(), 2u);
    EXPECT_EQ(view->value(view->series()[1], 0), History::kMissing);
    EXPECT_EQ(view->value(view->series()[1], 1), 5u);
    EXPECT_EQ(view->value(view->series()[1], 2), History::kMissing);
    for (int i = 4; i < 300; ++i) history.record("vm-1", second(20 * i), without);
    view = history.find("vm-1");
    EXPECT_EQ(view->series().size(), 1u);
}

TEST(History, TimeDoesNotGoBack) {
    History history;
    const std::vector<Reading> readings{{Counter::cpu_usage, "", 1}};
    history.record("vm-1", second(40), readings);
    history.record("vm-1", second(40), readings);
    history.record("vm-1", second(20), readings);
    EXPECT_EQ(history.find("vm-1")->end(), 1u);
    history.forget("vm-1");
    EXPECT_FALSE(history.find("vm-1"));
}

TEST(Counters, AreSortedAndNamed) {
    std::int32_t last = 0;
    for (const auto& counter : all_counters()) {
        EXPECT_GT(counter.id, last);
        last = counter.id;
        EXPECT_EQ(find_counter(counter.id), &counter);
        EXPECT_EQ(&definition_of(counter.counter), &counter);
        EXPECT_EQ(counter_info(counter).nameInfo().key(), counter.name);
    }
    EXPECT_EQ(find_counter(1), nullptr);
    EXPECT_EQ(find_counter(12)->name, "ready");
}

}  // namespace
}  // namespace drover::host
