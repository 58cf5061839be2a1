#include "storage/datastore_path.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace drover::storage {
namespace {

std::string reason(std::string_view text) {
    const auto path = DatastorePath::parse(text);
    return path ? "accepted as " + path->to_string() : path.error();
}

TEST(DatastorePath, ReadsTheApisForm) {
    const auto path = DatastorePath::parse("[shared 1] demo/demo.vmx").value();
    EXPECT_EQ(path.datastore(), "shared 1");
    EXPECT_EQ(path.relative(), "demo/demo.vmx");
    EXPECT_EQ(path.file_name(), "demo.vmx");
    EXPECT_EQ(path.to_string(), "[shared 1] demo/demo.vmx");
    EXPECT_EQ(path.parent().to_string(), "[shared 1] demo");
    EXPECT_TRUE(path.parent().parent().is_root());
    EXPECT_TRUE(path.parent().parent().parent().is_root());
    EXPECT_EQ(DatastorePath::parse("[a] b/")->to_string(), "[a] b");
    EXPECT_EQ(DatastorePath::parse("[a]b")->to_string(), "[a] b");
    EXPECT_TRUE(DatastorePath::parse("[a]")->is_root());
    EXPECT_TRUE(DatastorePath::parse("[a] ")->is_root());
    EXPECT_EQ(DatastorePath::parse("[a] ...")->relative(), "...");
}

TEST(DatastorePath, RefusesWhatCouldLeave) {
    EXPECT_EQ(reason("a/b"), "the path does not begin with '[datastore]'");
    EXPECT_EQ(reason("[a] /etc/passwd"), "the path is absolute");
    EXPECT_EQ(reason("[a] b/../../c"), "the path contains '.' or '..'");
    EXPECT_EQ(reason("[a] ./b"), "the path contains '.' or '..'");
    EXPECT_EQ(reason("[a] b//c"), "the path has an empty part");
    EXPECT_EQ(reason("[a] b//"), "the path has an empty part");
    EXPECT_EQ(reason(std::string("[a] b\0c", 7)), "the path contains control characters");
    EXPECT_EQ(reason("[a] b\nc"), "the path contains control characters");
    EXPECT_EQ(reason("[a] \xff"), "the path is not valid UTF-8");
    EXPECT_EQ(reason("[] b"), "the datastore's name is empty");
    EXPECT_EQ(reason("[a/b] c"), "the datastore's name contains characters that it may not");
    EXPECT_EQ(reason("[a] " + std::string(256, 'x')),
              "a part of the path is longer than 255 bytes");
    EXPECT_EQ(reason("[a] " + std::string(2000, 'x')), "the path is longer than 1024 bytes");
    std::string deep = "[a] x";
    for (int i = 0; i < 32; ++i) deep += "/x";
    EXPECT_EQ(reason(deep), "the path has more than 32 parts");
}

TEST(DatastorePath, FollowsReferencesInsideTheDatastore) {
    const auto directory = DatastorePath::parse("[a] vm/snap").value();
    EXPECT_EQ(directory.resolve("../base/x.vmdk")->to_string(), "[a] vm/base/x.vmdk");
    EXPECT_EQ(directory.resolve("./x.vmdk")->to_string(), "[a] vm/snap/x.vmdk");
    EXPECT_FALSE(directory.resolve("../../../x"));
    EXPECT_FALSE(directory.resolve("/etc/passwd"));
    EXPECT_FALSE(directory.resolve(""));
    EXPECT_EQ(directory.reference_to(DatastorePath::parse("[a] base/x.vmdk").value()),
              "../../base/x.vmdk");
}

rc::Gen<DatastorePath> any_path() {
    const auto part = rc::gen::map(
        rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab")))),
        [](std::string text) { return text.substr(0, 3); });
    return rc::gen::map(rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(part)),
                        [](std::vector<std::string> parts) {
                            parts.resize(std::min<std::size_t>(parts.size(), 6), "");
                            std::string relative;
                            for (const auto& p : parts)
                                relative += (relative.empty() ? "" : "/") + p;
                            return DatastorePath::make("ds", relative).value();
                        });
}

RC_GTEST_PROP(DatastorePathProperty, ReferencesLeadBack, ()) {
    const auto from = *any_path();
    const auto to = *any_path();
    RC_PRE(from != to);
    const auto found = from.resolve(from.reference_to(to));
    RC_ASSERT(found.has_value());
    RC_ASSERT(found->to_string() == to.to_string());
}

RC_GTEST_PROP(DatastorePathProperty, AcceptedTextIsHarmless, (const std::string& text)) {
    const auto path = DatastorePath::parse("[ds] " + text);
    if (!path) return;
    RC_ASSERT(!path->relative().starts_with('/'));
    RC_ASSERT(("/" + path->relative() + "/").find("/../") == std::string::npos);
}

}  // namespace
}  // namespace drover::storage
