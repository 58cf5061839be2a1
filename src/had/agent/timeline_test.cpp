#include "had/agent/timeline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace drover::had {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* kHost = "11111111-1111-4111-8111-111111111111";
constexpr const char* kOther = "22222222-2222-4222-8222-222222222222";
constexpr const char* kMachine = "33333333-3333-4333-8333-333333333333";
const ha::Time kNow{1h};

class Timelines : public testing::Test {
protected:
    Timelines() {
        for (const auto& [uuid, name] : {std::pair{kHost, "left"}, std::pair{kOther, "right"}}) {
            config_.catalogue.hosts.push_back(*names_.host(uuid));
            plan::Host shape;
            shape.name = name;
            config_.catalogue.shape.hosts.push_back(shape);
        }
        timeline_.know(config_);
    }
    Names names_;
    Config config_;
    Timeline timeline_{names_};
};

TEST_F(Timelines, name_the_host_and_for_how_long_each_channel_was_silent) {
    ha::Note note{.what = ha::Noted::host_over, .about = {*names_.host(kOther), 5}};
    note.why = "it is silent on both channels";
    note.storage_silent = 4'100ms;
    note.etcd_silent = 4'300ms;
    EXPECT_EQ(timeline_.words_of(note),
              "found the owner over (right, epoch 5): it is silent on both channels: datastore "
              "silent for 4.1 s, etcd silent for 4.3 s");
}

TEST_F(Timelines, say_nothing_of_a_channel_that_there_is_not) {
    ha::Note note{.what = ha::Noted::permit_lost};
    note.storage_silent = 3s;
    EXPECT_EQ(timeline_.words_of(note),
              "lost the permit to run machines: datastore silent for 3.0 s");
    note.etcd_silent = 25h;
    EXPECT_EQ(timeline_.words_of(note),
              "lost the permit to run machines: datastore silent for 3.0 s");
}

TEST_F(Timelines, are_kept_while_nobody_listens_the_newest_of_them) {
    const auto machine = *names_.machine(kMachine);
    for (std::size_t i = 0; i < Timeline::kMostKept + 3; ++i) {
        timeline_.keep({.what = ha::Noted::started, .machine = machine}, kNow + 1s * i);
    }
    const auto lines = timeline_.take(kNow + 1s * (Timeline::kMostKept + 2));
    ASSERT_EQ(lines.size(), Timeline::kMostKept);
    const auto first = json::parse(lines.front());
    EXPECT_EQ(first["tell"], "note");
    EXPECT_EQ(first["what"], "started");
    EXPECT_EQ(first["machine"], kMachine);
    EXPECT_EQ(first["ago_ms"], 1000 * (Timeline::kMostKept - 1));
    EXPECT_EQ(json::parse(lines.back())["ago_ms"], 0);
    EXPECT_TRUE(timeline_.take(kNow).empty());
}

}  // namespace
}  // namespace drover::had
