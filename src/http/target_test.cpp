#include "http/target.hpp"

#include "http/headers.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace drover::http {
namespace {

TEST(Target, SplitsPathAndQuery) {
    const auto target = Target::parse("/sdk/vim25/8.0.1.0/Folder/group%2Fd1?a=1&b=x%20y+z&a=2&c#f");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path(), "/sdk/vim25/8.0.1.0/Folder/group/d1");
    EXPECT_EQ(target->segments().back(), "group/d1");
    EXPECT_EQ(target->segments().size(), 5u);
    EXPECT_EQ(target->query("a"), "1");
    EXPECT_EQ(target->query("b"), "x y z");
    EXPECT_EQ(target->query("c"), "");
    EXPECT_EQ(target->query("d"), std::nullopt);
    EXPECT_EQ(target->raw_query(), "a=1&b=x%20y+z&a=2&c");
}

TEST(Target, AcceptsAbsoluteAndAsteriskForms) {
    const auto absolute = Target::parse("https://host:443?x=1");
    ASSERT_TRUE(absolute);
    EXPECT_EQ(absolute->path(), "/");
    EXPECT_EQ(absolute->query("x"), "1");
    EXPECT_EQ(Target::parse("*")->path(), "*");
}

TEST(Target, RefusesWhatCouldMislead) {
    for (const auto* text : {"", "relative", "/a/../b", "/a/%2e%2E/b", "/%", "/%4", "/%zz", "/%00",
                             "/a b", "/a\x01", "ftp://host/", "/x?y=%", "/.."})
        EXPECT_FALSE(Target::parse(text)) << text;
    EXPECT_TRUE(Target::parse("/a/..b/...")) << "only whole segments are special";
    std::string many = "/?";
    for (int i = 0; i < 1001; ++i) many += "a&";
    EXPECT_FALSE(Target::parse(many));
}

TEST(Target, EncodesForAnyPlace) {
    EXPECT_EQ(percent_encode("a b/[ds] x%.vmdk"), "a%20b%2F%5Bds%5D%20x%25.vmdk");
    EXPECT_EQ(percent_decode(percent_encode("ä/&=+ ")), "ä/&=+ ");
}

TEST(Url, ReadsPartsAndRefusesOthers) {
    const auto url = Url::parse("https://[fe80::1]:8443/sdk?x");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "fe80::1");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/sdk?x");
    EXPECT_EQ(url->authority(), "[fe80::1]:8443");
    EXPECT_EQ(Url::parse("http://host")->port, 80);
    EXPECT_EQ(Url::parse("https://host?q")->target, "/?q");
    EXPECT_EQ(Url::parse("https://host")->authority(), "host");
    for (const auto* text : {"host", "ftp://host/", "https://", "https://u:p@host/",
                             "https://host:0/", "https://host:99999/", "https://host:/",
                             "https://[::1/", "https://[::1]x/", "https://ho st/"})
        EXPECT_FALSE(Url::parse(text)) << text;
}

TEST(Headers, IgnoresCaseAndKeepsOrder) {
    Headers headers;
    headers.add("Set-Cookie", "a=1");
    headers.add("X-One", "1");
    headers.add("set-cookie", "b=2");
    EXPECT_EQ(headers.get("SET-COOKIE"), "a=1");
    EXPECT_EQ(headers.get_all("Set-Cookie").size(), 2u);
    headers.set("x-one", *headers.get("X-One"));
    headers.remove("set-cookie");
    std::string out;
    headers.append_to(out);
    EXPECT_EQ(out, "x-one: 1\r\n");
}

TEST(Headers, RefusesForgedFields) {
    Headers headers;
    EXPECT_THROW(headers.add("A", "b\r\nC: d"), std::invalid_argument);
    EXPECT_THROW(headers.add("A", "b\nC: d"), std::invalid_argument);
    EXPECT_THROW(headers.add("A:", "b"), std::invalid_argument);
    EXPECT_THROW(headers.add("", "b"), std::invalid_argument);
    EXPECT_THROW(headers.add("A", std::string_view("\0", 1)), std::invalid_argument);
}

TEST(Headers, FindsTokensInLists) {
    EXPECT_TRUE(has_token("keep-alive, Upgrade", "upgrade"));
    EXPECT_TRUE(has_token("deflate, gzip;q=0.5", "gzip"));
    EXPECT_FALSE(has_token("gzip;q=0", "gzip"));
    EXPECT_FALSE(has_token("gzip; Q=0.000", "gzip"));
    EXPECT_FALSE(has_token("gzipped", "gzip"));
    EXPECT_FALSE(has_token("", "gzip"));
}

}  // namespace
}  // namespace drover::http
