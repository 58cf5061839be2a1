#include "host/time/time_zones.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.hpp"
#include "store/temporary_directory.hpp"

namespace drover::host {
namespace {

constexpr std::int64_t kWinter = 1'768'435'200;  // 2026-01-15
constexpr std::int64_t kSummer = 1'784'073'600;  // 2026-07-15

TEST(TimeZones, KnowsDaylightSavingTime) {
    const auto winter = find_time_zone("Europe/Berlin", kWinter);
    const auto summer = find_time_zone("Europe/Berlin", kSummer);
    ASSERT_TRUE(winter && summer);
    EXPECT_EQ(winter->gmt_offset_s, 3600);
    EXPECT_EQ(summer->gmt_offset_s, 7200);
    EXPECT_EQ(find_time_zone("America/New_York", kWinter)->gmt_offset_s, -5 * 3600);
    EXPECT_EQ(find_time_zone("UTC", kWinter)->gmt_offset_s, 0);
}

TEST(TimeZones, RefusesWhatIsNoZone) {
    for (const char* name :
         {"", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "zone.tab", "Europe", "Europe/"}) {
        EXPECT_FALSE(find_time_zone(name, kWinter)) << name;
    }
    EXPECT_FALSE(gmt_offset("", kWinter));
    EXPECT_FALSE(gmt_offset("TZif2", kWinter));
    std::string cut = base::read_file("/usr/share/zoneinfo/Europe/Berlin", 1 << 20);
    for (std::size_t size = 0; size < cut.size(); size += 7) {
        gmt_offset(std::string_view(cut).substr(0, size), kWinter);  // must not read beyond
    }
}

TEST(TimeZones, ListsThemAll) {
    const auto zones = all_time_zones(kWinter);
    EXPECT_GT(zones.size(), 300u);
    EXPECT_TRUE(std::ranges::is_sorted(zones, {}, &TimeZone::name));
    EXPECT_NE(std::ranges::find(zones, "UTC", &TimeZone::name), zones.end());
    EXPECT_NE(std::ranges::find(zones, "Asia/Tokyo", &TimeZone::name), zones.end());
}

TEST(TimeZones, FollowsTheComputersLink) {
    const store::TemporaryDirectory directory;
    const auto link = directory.path() / "localtime";
    EXPECT_EQ(local_time_zone(kWinter, link).name, "UTC");
    std::filesystem::create_symlink("/usr/share/zoneinfo/Asia/Tokyo", link);
    EXPECT_EQ(local_time_zone(kWinter, link).name, "Asia/Tokyo");
    EXPECT_EQ(local_time_zone(kWinter, link).gmt_offset_s, 9 * 3600);
}

}  // namespace
}  // namespace drover::host
