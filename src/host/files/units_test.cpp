// The parts that need no host: names, patterns, credentials, listings.

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "host/files/basic_auth.hpp"
#include "host/files/disk_request.hpp"
#include "host/files/folder_listing.hpp"
#include "host/files/in_use.hpp"
#include "host/files/keyed_hash.hpp"
#include "host/files/search_spec.hpp"
#include "vim/fault.hpp"

namespace drover::host::files {
namespace {

using storage::DatastorePath;

TEST(Pattern, StarsAndQuestionMarks) {
    EXPECT_TRUE(matches_pattern("disk.vmdk", "*.vmdk", false));
    EXPECT_TRUE(matches_pattern("disk.vmdk", "d?sk*", false));
    EXPECT_TRUE(matches_pattern("a.b.c", "*.*.*", false));
    EXPECT_TRUE(matches_pattern("", "**", false));
    EXPECT_FALSE(matches_pattern("disk.vmdk", "*.iso", false));
    EXPECT_FALSE(matches_pattern("disk", "disk?", false));
    EXPECT_FALSE(matches_pattern("disk", "", false));
    EXPECT_FALSE(matches_pattern("DISK.vmdk", "disk.*", false));
    EXPECT_TRUE(matches_pattern("DISK.vmdk", "disk.*", true));
    EXPECT_FALSE(matches_pattern(std::string(1000, 'a'), "*a*a*a*a*a*a*a*b", false));
}

TEST(FileTypes, GoByTheName) {
    EXPECT_EQ(type_of("x", true), FileType::folder);
    EXPECT_EQ(type_of("x.VMDK", false), FileType::disk);
    EXPECT_EQ(type_of("x-flat.vmdk", false), FileType::plain);
    EXPECT_EQ(type_of("x.vmtx", false), FileType::template_config);
    EXPECT_EQ(type_of("x", false), FileType::plain);
    EXPECT_EQ(descriptor_of_data("x-flat.qcow2"), "x.vmdk");
    EXPECT_FALSE(descriptor_of_data("-flat.raw"));
    EXPECT_FALSE(descriptor_of_data("x.vmdk"));
}

TEST(Search, TooManyPatternsAreRefused) {
    auto spec = vim::HostDatastoreBrowserSearchSpec::make();
    spec.set_matchPattern(std::vector<std::string_view>(257, "*"));
    EXPECT_THROW(FileSearch::from(spec), vim::Fault);
}

TEST(Covers, PathsAndWhatIsBelow) {
    const auto at = [](const char* text) { return DatastorePath::parse(text).value(); };
    EXPECT_TRUE(covers(at("[a] vm"), at("[a] vm/x")));
    EXPECT_TRUE(covers(at("[a] vm"), at("[a] vm")));
    EXPECT_TRUE(covers(at("[a]"), at("[a] vm")));
    EXPECT_FALSE(covers(at("[a] vm"), at("[a] vm2/x")));
    EXPECT_FALSE(covers(at("[a] vm"), at("[b] vm/x")));
    EXPECT_FALSE(covers(at("[a] vm/x"), at("[a] vm")));
}

TEST(KeyedHash, IsSipHash) {
    // The reference's vectors: the key counts from 0 to 15, the text from 0 on.
    const std::array<std::uint64_t, 2> key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    EXPECT_EQ(keyed_hash(key, ""), 0x726fdb47dd0e0e31);
    std::string text;
    for (char c = 0; c < 15; ++c) text.push_back(c);
    EXPECT_EQ(keyed_hash(key, text), 0xa129ca6149be45e5);
}

TEST(BasicAuth, ReadsTheHeader) {
    const auto good = parse_basic("Basic cm9vdDpzZWM6cmV0");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->user, "root");
    EXPECT_EQ(good->password, "sec:ret");
    EXPECT_TRUE(parse_basic("basic cm9vdDo="));
    for (const char* bad : {"", "Basic", "Basic ", "Bearer cm9vdDo=", "Basic !!!!",
                            "Basic cm9vdA==", "Basic OnB3", "Basic c", "Basiccm9vdDo="}) {
        EXPECT_FALSE(parse_basic(bad)) << bad;
    }
    EXPECT_FALSE(parse_basic("Basic " + std::string(2000, 'A')));
    EXPECT_FALSE(parse_basic("Basic cm9vdDoKCg=="));  // line feeds
}

TEST(RecentLogins, KnowsExactlyWhatWasGoodOfLate) {
    base::SystemRandom random;
    RecentLogins recent(random);
    const base::SteadyTime now{};
    recent.remember({"root", "secret"}, "hash", now);
    EXPECT_TRUE(recent.knows({"root", "secret"}, "hash", now));
    EXPECT_FALSE(recent.knows({"root", "secret"}, "another hash", now));  // the password changed
    EXPECT_FALSE(recent.knows({"root", "secreT"}, "hash", now));
    EXPECT_FALSE(recent.knows({"roots", "ecret"}, "hash", now));
    EXPECT_FALSE(recent.knows({"root", "secret"}, "hash", now + RecentLogins::kKept));
    for (std::size_t i = 0; i < RecentLogins::kMost; ++i) {
        recent.remember({"u" + std::to_string(i), "p"}, "hash", now);
    }
    EXPECT_FALSE(recent.knows({"root", "secret"}, "hash", now));
}

TEST(Listing, EscapesNames) {
    storage::FileInfo entry;
    entry.name = "<b>&\"'.txt";
    const auto page = list_directory(DatastorePath::parse("[ds] a b").value(), {entry});
    EXPECT_EQ(page.find("<b>"), page.npos);
    EXPECT_NE(page.find("/folder/a%20b/%3Cb%3E%26%22%27.txt?dcPath=ha-datacenter&amp;dsName=ds"),
              page.npos);
    EXPECT_NE(page.find("&lt;b&gt;&amp;&quot;&#39;.txt"), page.npos);
}

TEST(DiskRequest, Uuids) {
    EXPECT_EQ(disk_uuid_of("60 00 C2 9a 11 22 33 44-55 66 77 88 99 aa bb cc"),
              "60 00 c2 9a 11 22 33 44-55 66 77 88 99 aa bb cc");
    EXPECT_THROW(disk_uuid_of("60"), vim::Fault);
    const std::string derived = disk_uuid_of_path("[shared] old/old.vmdk");
    EXPECT_EQ(derived, disk_uuid_of(derived));
    EXPECT_NE(derived, disk_uuid_of_path("[shared] old/other.vmdk"));
    EXPECT_EQ(adapter_of("lsiLogic", "spec.adapterType"), "lsilogic");
    EXPECT_EQ(capacity_of(1, "x"), 1024u);
    EXPECT_THROW(capacity_of(-1, "x"), vim::Fault);
}

}  // namespace
}  // namespace drover::host::files
