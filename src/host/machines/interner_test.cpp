#include "host/machines/interner.hpp"

#include <gtest/gtest.h>

#include "vim/types.hpp"

namespace drover::host {
namespace {

using vim::Value;

Value option(std::string_view key, std::string_view text) {
    auto made = vim::OptionValue::make();
    made.set_key(key);
    made.set_value(Value::string(text));
    return made.raw();
}

Value options(std::string_view last) {
    return Value::array(vim::TypeId::OptionValue, {option("a", "1"), option("b", last)});
}

TEST(Interner, SharesEqualPartsAndKeepsValues) {
    Interner interner;
    const Value first = interner.intern(options("x"));
    const Value second = interner.intern(options("y"));
    const Value third = interner.intern(options("x"));
    EXPECT_EQ(first, options("x"));
    EXPECT_EQ(second, options("y"));
    EXPECT_TRUE(first.same_content(third));
    EXPECT_FALSE(first.same_content(second));
    EXPECT_TRUE(first.elements()[0].same_content(second.elements()[0]));
    EXPECT_TRUE(
        first.elements()[1].property("key").same_content(second.elements()[1].property("key")));
}

TEST(Interner, TellsApartWhatOnlyLooksAlike) {
    Interner interner;
    EXPECT_EQ(interner.intern(Value::string("1")).kind(), vim::ValueKind::string);
    EXPECT_EQ(interner.intern(Value::int_(1)), Value::int_(1));
    EXPECT_EQ(interner.intern(Value::array(vim::TypeId::OptionValue, {})).type(),
              vim::TypeId::OptionValue);
    EXPECT_EQ(interner.intern(Value::array(vim::TypeId::string, {})).type(), vim::TypeId::string);
    EXPECT_FALSE(interner.intern(Value{}).is_set());
}

TEST(Interner, ForgetsInsteadOfGrowing) {
    Interner interner;
    const Value kept = interner.intern(options("kept"));
    for (std::size_t i = 0; i < 2 * Interner::kMostParts; ++i) {
        interner.intern(Value::string(std::to_string(i)));
    }
    EXPECT_EQ(interner.intern(options("kept")), kept);
}

}  // namespace
}  // namespace drover::host
