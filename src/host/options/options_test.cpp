#include "host/options/options.hpp"

#include <gtest/gtest.h>

#include "host/host_system/simulated_host.hpp"

namespace drover::host {
namespace {

using vim::TypeId;
using vim::Value;

OptionDefinition number(std::string key, std::int32_t initial, std::int32_t most) {
    OptionDefinition made;
    made.key = std::move(key);
    made.label = made.summary = "A number";
    made.initial = Value::int_(initial);
    made.least = 1;
    made.most = most;
    return made;
}

class OptionsTest : public testing::Test {
protected:
    OptionsTest() { begin(); }

    void begin() {
        options.emplace(host->context);
        auto limit = number("A.b.limit", 5, 10);
        limit.apply = [this](const Value& value) { applied = value.as_integer(); };
        options->define(limit);
        options->define(number("A.c", 7, 10));
        OptionDefinition choice;
        choice.key = "A.b.choice";
        choice.label = choice.summary = "A word";
        choice.initial = Value::string("red");
        choice.choices = {"red", "green"};
        options->define(choice);
        OptionDefinition fixed;
        fixed.key = "B.fixed";
        fixed.label = fixed.summary = "A fact";
        fixed.initial = Value::boolean(false);
        fixed.read_only = true;
        options->define(fixed);
        host->run(options->start());
    }

    std::vector<std::string> query(const std::string& name) {
        auto request = vim::QueryOptionsRequest::make();
        if (!name.empty()) request.set_name(name);
        std::vector<std::string> keys;
        const Value list = host->call(references::options, "QueryOptions", request);
        for (const Value& each : list.elements()) {
            keys.emplace_back(each.property("key").as_string());
        }
        return keys;
    }
    void update(std::vector<std::pair<std::string, Value>> changes) {
        std::vector<vim::OptionValue> values;
        for (const auto& [key, value] : changes) {
            auto each = vim::OptionValue::make();
            each.set_key(key);
            each.set_value(value);
            values.push_back(each);
        }
        auto request = vim::UpdateOptionsRequest::make();
        request.set_changedValue(values);
        host->call(references::options, "UpdateOptions", request);
    }
    template <class Call>
    static std::string refusal(Call call) {
        try {
            call();
        } catch (const vim::Fault& fault) {
            const auto raw = fault.fault().raw();
            const Value& path = raw.property("invalidProperty");
            return std::string(vim::describe(raw.type()).name()) +
                   (path ? " " + std::string(path.as_string()) : "");
        }
        return "granted";
    }

    std::unique_ptr<simulated::SimulatedHost> host = std::make_unique<simulated::SimulatedHost>();
    std::optional<Options> options;
    std::int64_t applied = 0;
};

TEST_F(OptionsTest, AreFoundByNameAndByNode) {
    using Keys = std::vector<std::string>;
    EXPECT_EQ(query(""), (Keys{"A.b.choice", "A.b.limit", "A.c", "B.fixed"}));
    EXPECT_EQ(query("A.b."), (Keys{"A.b.choice", "A.b.limit"}));
    EXPECT_EQ(query("A.b"), (Keys{"A.b.choice", "A.b.limit"}));
    EXPECT_EQ(query("A.c"), Keys{"A.c"});
    for (const char* unknown : {"A.b.lim", "A.b.limit.", "a.c", "C"}) {
        EXPECT_EQ(refusal([&] { query(unknown); }), "InvalidName") << unknown;
    }
}

TEST_F(OptionsTest, TakeEffectAndAreShown) {
    EXPECT_EQ(applied, 5);
    update({{"A.b.limit", Value::long_(9)}, {"A.b.choice", Value::string("green")}});
    EXPECT_EQ(applied, 9);
    EXPECT_EQ(options->number("A.b.limit"), 9);
    EXPECT_EQ(options->text("A.b.choice"), "green");
    const auto& object = host->inventory.get(references::options);
    const Value& setting = object.property(vim::property::OptionManager::setting);
    EXPECT_EQ(setting.elements()[1].property("value"), Value::int_(9));
    EXPECT_TRUE(
        simulated::missing_in(object.property(vim::property::OptionManager::supportedOption))
            .empty());
}

TEST_F(OptionsTest, OutliveTheDaemon) {
    update({{"A.b.limit", Value::int_(3)}});
    const auto stored = host->store->get("option", "A.b.limit");
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->value, "3");
}

TEST_F(OptionsTest, AreCheckedBeforeAnyChanges) {
    const auto change = [&](const std::string& key, Value value) {
        return refusal([&] { update({{"A.c", Value::int_(1)}, {key, std::move(value)}}); });
    };
    EXPECT_EQ(change("A.b.limit", Value::int_(11)), "InvalidArgument changedValue[1].value");
    EXPECT_EQ(change("A.b.limit", Value::int_(0)), "InvalidArgument changedValue[1].value");
    EXPECT_EQ(change("A.b.limit", Value::string("3")), "InvalidArgument changedValue[1].value");
    EXPECT_EQ(change("A.b.choice", Value::string("blue")), "InvalidArgument changedValue[1].value");
    EXPECT_EQ(change("B.fixed", Value::boolean(true)), "InvalidArgument changedValue[1].key");
    EXPECT_EQ(change("A.unknown", Value::int_(1)), "InvalidName");
    EXPECT_EQ(options->number("A.c"), 7);
}

}  // namespace
}  // namespace drover::host
