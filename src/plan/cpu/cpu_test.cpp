#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "plan/cpu/baseline.hpp"
#include "plan/cpu/cpuid_bits.hpp"
#include "plan/cpu/feature_key.hpp"
#include "plan/cpu/feature_mask.hpp"
#include "plan/cpu/promise.hpp"

namespace drover::plan {
namespace {

HostCpu host_of(std::string name, std::string_view mode) {
    const EvcMode* found = find_evc_mode(mode);
    EXPECT_NE(found, nullptr) << mode;
    return {std::move(name), {found->vendor, found->features}};
}

FeatureSet some_features() {
    const auto bits = cpuid_bits();
    const auto chosen = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::inRange<std::size_t>(0, bits.size()));
    std::vector<std::string> names;
    for (const std::size_t index : chosen) names.emplace_back(bits[index].feature);
    return FeatureSet(std::move(names));
}

TEST(FeatureSet, CountsWhatIsNamedTwiceOnce) {
    const FeatureSet set(std::vector<std::string>{"sse2", "aes", "sse2"});
    EXPECT_EQ(set.size(), 2u);
    EXPECT_EQ(set.text(), "aes, sse2");
    EXPECT_TRUE(set.contains("aes"));
    EXPECT_FALSE(set.contains("ae"));
}

RC_GTEST_PROP(FeatureSet, ObeysTheLawsOfSets, ()) {
    const FeatureSet left = some_features();
    const FeatureSet right = some_features();
    RC_ASSERT(left.common_with(right) == right.common_with(left));
    RC_ASSERT(left.together_with(right).includes(left));
    RC_ASSERT(left.without(right).common_with(right).empty());
    RC_ASSERT(left.without(right).together_with(left.common_with(right)) == left);
}

TEST(EvcMode, NewerModesHaveEverythingThatOlderOnesHave) {
    const EvcMode* before = nullptr;
    for (const EvcMode& mode : evc_modes()) {
        if (before != nullptr && before->vendor == mode.vendor) {
            EXPECT_TRUE(mode.features.includes(before->features)) << mode.key;
            EXPECT_GT(mode.features.size(), before->features.size()) << mode.key;
            EXPECT_EQ(mode.tier, before->tier + 1) << mode.key;
        }
        before = &mode;
    }
}

TEST(EvcMode, NamesOnlyFeaturesThatHaveABit) {
    for (const EvcMode& mode : evc_modes()) {
        for (const std::string& name : mode.features.names()) {
            EXPECT_NE(find_cpuid_bit(name), nullptr) << mode.key << " " << name;
        }
    }
}

TEST(EvcMode, FindsTheNewestThatACpuHas) {
    for (const EvcMode& mode : evc_modes()) {
        EXPECT_EQ(newest_evc_mode({mode.vendor, mode.features}), &mode) << mode.key;
    }
    const EvcMode* westmere = find_evc_mode("intel-westmere");
    const Cpu without_aes{CpuVendor::intel, westmere->features.without(FeatureSet{"aes"})};
    EXPECT_EQ(newest_evc_mode(without_aes)->key, "intel-nehalem");
    EXPECT_EQ(newest_evc_mode({CpuVendor::intel, {}}), nullptr);
    EXPECT_EQ(newest_evc_mode({CpuVendor::unknown, westmere->features}), nullptr);
}

TEST(EvcMode, FindsTheOldestThatIsEnough) {
    EXPECT_EQ(oldest_evc_mode_with(CpuVendor::intel, FeatureSet{"avx2", "sse2"})->key,
              "intel-haswell");
    EXPECT_EQ(oldest_evc_mode_with(CpuVendor::amd, FeatureSet{})->key, "amd-rev-e");
    // Of what no mode promises nothing is asked.
    EXPECT_EQ(oldest_evc_mode_with(CpuVendor::intel, FeatureSet{"aes", "invtsc"})->key,
              "intel-westmere");
    EXPECT_EQ(oldest_evc_mode_with(CpuVendor::unknown, FeatureSet{"aes"}), nullptr);
}

TEST(EvcMode, ReadsVendors) {
    EXPECT_EQ(cpu_vendor("GenuineIntel"), CpuVendor::intel);
    EXPECT_EQ(cpu_vendor("AuthenticAMD"), CpuVendor::amd);
    EXPECT_EQ(cpu_vendor("AMD"), CpuVendor::amd);
    EXPECT_EQ(cpu_vendor(""), CpuVendor::unknown);
}

TEST(Baseline, IsWhatAllHostsHave) {
    const Baseline baseline =
        common_baseline({host_of("old", "intel-westmere"), host_of("new", "intel-skylake")});
    EXPECT_EQ(baseline.mode->key, "intel-westmere");
    EXPECT_FALSE(baseline.features.contains("avx"));
}

TEST(Baseline, DoesNotExistOverVendors) {
    const Baseline baseline =
        common_baseline({host_of("a", "intel-westmere"), host_of("b", "amd-zen")});
    EXPECT_EQ(baseline.vendor, CpuVendor::unknown);
    EXPECT_TRUE(baseline.features.empty());
    EXPECT_EQ(common_baseline({}), Baseline{});
}

TEST(Baseline, PreviewOfAJoinNamesWhatIsLostAndWhoMustPowerCycle) {
    const HostCpu modern = host_of("modern", "intel-haswell");
    const std::vector<MachineCpu> machines = {{"uses-avx2", FeatureSet{"avx2", "sse2"}},
                                              {"modest", FeatureSet{"sse2"}}};
    const BaselinePreview preview =
        preview_join({modern}, host_of("old", "intel-sandybridge"), machines);
    EXPECT_TRUE(preview.is_possible());
    EXPECT_EQ(preview.before.mode->key, "intel-haswell");
    EXPECT_EQ(preview.after.mode->key, "intel-sandybridge");
    EXPECT_TRUE(preview.lost.contains("avx2"));
    ASSERT_EQ(preview.need_power_cycle.size(), 1u);
    EXPECT_EQ(preview.need_power_cycle[0].name, "uses-avx2");
    EXPECT_EQ(preview.need_power_cycle[0].features, FeatureSet{"avx2"});
    ASSERT_EQ(preview.held_back.size(), 1u);
    EXPECT_EQ(preview.held_back[0].name, "modern");
}

TEST(Baseline, PreviewOfTheFirstHostLosesNothing) {
    const BaselinePreview preview = preview_join({}, host_of("first", "amd-zen2"), {});
    EXPECT_TRUE(preview.is_possible());
    EXPECT_TRUE(preview.lost.empty());
    EXPECT_EQ(preview.after.mode->key, "amd-zen2");
}

TEST(Baseline, AHostOfAnotherVendorCannotJoin) {
    const BaselinePreview preview =
        preview_join({host_of("a", "intel-haswell")}, host_of("b", "amd-zen"), {});
    EXPECT_FALSE(preview.is_possible());
    EXPECT_EQ(preview.other_vendor, std::vector<std::string>{"b"});
    EXPECT_TRUE(preview.lost.empty());
}

TEST(Baseline, AModeThatAHostCannotKeepNamesTheFeatures) {
    const HostCpu old = host_of("old", "intel-nehalem");
    const BaselinePreview preview = drover::plan::preview(
        common_baseline({old}), baseline_of(*find_evc_mode("intel-westmere")), {old}, {});
    EXPECT_FALSE(preview.is_possible());
    ASSERT_EQ(preview.hosts_short.size(), 1u);
    EXPECT_EQ(preview.hosts_short[0].features.text(), "aes, pclmuldq");
}

RC_GTEST_PROP(Baseline, EveryHostKeepsWhatTheBaselinePromises, ()) {
    std::vector<HostCpu> hosts;
    const auto count = *rc::gen::inRange(1, 6);
    for (int index = 0; index < count; ++index) {
        hosts.push_back({std::to_string(index), {CpuVendor::intel, some_features()}});
    }
    const Baseline baseline = common_baseline(hosts);
    for (const HostCpu& host : hosts) {
        RC_ASSERT(missing_features(CpuVendor::intel, baseline.features, host.cpu).empty());
    }
}

TEST(MissingFeatures, AreAllOfThemOnAnotherVendorsCpu) {
    const HostCpu amd = host_of("amd", "amd-zen");
    EXPECT_EQ(missing_features(CpuVendor::intel, FeatureSet{"sse2"}, amd.cpu), FeatureSet{"sse2"});
    EXPECT_TRUE(missing_features(CpuVendor::amd, FeatureSet{"sse2"}, amd.cpu).empty());
}

TEST(FeatureMask, HidesAndDemands) {
    CpuidMask row{1, "", "", std::string(32, '-'), ""};
    row.ecx[31 - 25] = '0';  // aes
    row.ecx[31 - 23] = '1';  // popcnt
    const auto mask = parse_feature_mask({row});
    ASSERT_TRUE(mask.has_value()) << mask.error();
    EXPECT_EQ(mask->hidden, FeatureSet{"aes"});
    EXPECT_EQ(mask->demanded, FeatureSet{"popcnt"});
    EXPECT_EQ(mask->applied_to(FeatureSet{"aes", "sse2"}), FeatureSet{"sse2"});
}

TEST(FeatureMask, TakesGroups) {
    const auto mask =
        parse_feature_mask({{1, "", "", "----:--0-:----:----:----:----:----:----", ""}});
    ASSERT_TRUE(mask.has_value()) << mask.error();
    EXPECT_EQ(mask->hidden, FeatureSet{"aes"});
}

TEST(FeatureMask, NamesWhatItCannotRead) {
    EXPECT_EQ(parse_feature_mask({{1, "", "", "--", ""}}).error(),
              "level 0x1, ecx: 2 bits, not 32");
    EXPECT_EQ(parse_feature_mask({{7, std::string(31, '-') + "?", "", "", ""}}).error(),
              "level 0x7, eax: '?' is no character of a mask");
}

RC_GTEST_PROP(FeatureMask, HiddenBitsAreTheirFeatures, ()) {
    const auto bits = cpuid_bits();
    const CpuidBit& bit = bits[*rc::gen::inRange<std::size_t>(0, bits.size())];
    RC_PRE(bit.subleaf == 0 || (bit.leaf != 7));
    std::string text(32, '-');
    text[31 - bit.bit] = '0';
    CpuidMask row{bit.leaf, "", "", "", ""};
    std::string* const registers[] = {&row.eax, &row.ebx, &row.ecx, &row.edx};
    *registers[static_cast<std::size_t>(bit.reg)] = text;
    const auto mask = parse_feature_mask({row});
    RC_ASSERT(mask.has_value());
    RC_ASSERT(mask->hidden == FeatureSet{bit.feature});
}

TEST(FeatureKey, IsTheApisName) {
    EXPECT_EQ(feature_key("avx2"), "cpuid.AVX2");
    EXPECT_EQ(feature_key("sse4.1"), "cpuid.SSE41");
    EXPECT_EQ(feature_key("avx512-bf16"), "cpuid.AVX512_BF16");
    EXPECT_EQ(feature_key("vmx-ins-outs"), "cpuid.vmx-ins-outs");
    EXPECT_EQ(feature_of_key("cpuid.AMD"), std::nullopt);
    EXPECT_EQ(feature_of_key("misc.x"), std::nullopt);
    EXPECT_EQ(vendor_of_key("cpuid.Intel"), CpuVendor::intel);
}

TEST(FeatureKey, LeadsBack) {
    std::set<std::string> keys;
    for (const CpuidBit& bit : cpuid_bits()) {
        const std::string key = feature_key(bit.feature);
        EXPECT_TRUE(keys.insert(key).second) << key;
        EXPECT_EQ(feature_of_key(key), bit.feature);
    }
    EXPECT_EQ(feature_of_key(feature_key("vmx-ins-outs")), "vmx-ins-outs");
}

TEST(Promise, IsALine) {
    const Promise promise{"amd-zen", {"aes", "sse4.1"}};
    EXPECT_EQ(text_of(promise), "amd-zen|aes,sse4.1");
    EXPECT_EQ(parse_promise(text_of(promise)), promise);
    EXPECT_EQ(parse_promise("|aes")->mode, "");
    EXPECT_FALSE(parse_promise("aes").has_value());
    EXPECT_FALSE(parse_promise("|aes,,avx").has_value());
    EXPECT_FALSE(parse_promise("|<aes>").has_value());
    EXPECT_EQ(parse_cpu(text_of(Cpu{CpuVendor::amd, {"aes"}}))->vendor, CpuVendor::amd);
}

TEST(Baseline, AModeTakesAwayWhatNewerGenerationsBrought) {
    const Baseline all{CpuVendor::amd, {"aes", "cx16", "hypervisor", "lm"}, nullptr};
    const Baseline lowered = lowered_to(all, *find_evc_mode("amd-rev-f"));
    EXPECT_EQ(lowered.features, (FeatureSet{"cx16", "hypervisor", "lm"}));
    EXPECT_EQ(lowered.mode->key, "amd-rev-f");
}

}  // namespace
}  // namespace drover::plan
