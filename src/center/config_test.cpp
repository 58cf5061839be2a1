#include "center/config.hpp"

#include <gtest/gtest.h>

namespace drover::center {
namespace {

std::string refusal(const std::string& text) {
    try {
        parse_config(text, "center.json");
    } catch (const std::exception& error) {
        return error.what();
    }
    return "none";
}

TEST(CenterConfig, NeedsThreeFieldsOnly) {
    const Config config = parse_config(
        R"({"state_directory": "/var/lib/c", "name": "c1", "management_address": "10.0.0.1"})",
        "center.json");
    EXPECT_EQ(config.state_directory, "/var/lib/c");
    EXPECT_EQ(config.name, "c1");
    EXPECT_EQ(config.listen_port, 443);
    EXPECT_EQ(config.history_days, 30u);
}

TEST(CenterConfig, RefusalsNameFieldAndReason) {
    EXPECT_EQ(refusal("{"), "center.json: is not valid JSON");
    EXPECT_EQ(refusal("[]"), "center.json: must be an object");
    EXPECT_EQ(refusal("{}"), "center.json: state_directory: is missing");
    EXPECT_EQ(refusal(R"({"state_directory": "x"})"),
              "center.json: state_directory: must be absolute");
    EXPECT_EQ(refusal(R"({"state_directory": "/x", "name": 7})"),
              "center.json: name: must be a text");
    const std::string whole =
        R"({"state_directory": "/x", "name": "c", "management_address": "::1", )";
    EXPECT_EQ(refusal(whole + R"("listen_port": 70000})"),
              "center.json: listen_port: must be a number from 0 to 65535");
    EXPECT_EQ(refusal(whole + R"("listenport": 70})"), "center.json: listenport: is unknown");
}

}  // namespace
}  // namespace drover::center
