#include "vim/service_versions.hpp"

#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "vim/schema.hpp"

namespace drover::vim {
namespace {

TEST(ServiceVersions, ListsEveryServedRelease) {
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(service_versions_xml().c_str()));
    const auto root = document.child("namespaces");
    EXPECT_STREQ(root.attribute("version").value(), "1.0");
    const auto vim25 = root.child("namespace");
    EXPECT_STREQ(vim25.child_value("name"), "urn:vim25");
    EXPECT_STREQ(vim25.child_value("version"), "8.0.3.0");
    std::string previous = "8.0.3.0";
    std::size_t count = 1;
    for (const auto version : vim25.child("priorVersions").children("version")) {
        EXPECT_LT(*find_release(version.child_value()), *find_release(previous));
        previous = version.child_value();
        ++count;
    }
    EXPECT_EQ(previous, "2.5");
    const auto vim2 = vim25.next_sibling("namespace");
    EXPECT_STREQ(vim2.child_value("name"), "urn:vim2");
    EXPECT_STREQ(vim2.child_value("version"), "2.0");
    EXPECT_EQ(count + 1, served_releases().size());
}

}  // namespace
}  // namespace drover::vim
