#include "had/config.hpp"

#include <gmock/gmock.h>

namespace drover::had {
namespace {

constexpr const char* kGood = R"({
  "host": "11111111-1111-4111-8111-111111111111", "host_name": "host1",
  "datastore": "shared", "datastore_path": "/datastore", "reset": ["false"],
  "catalogue": {"version": 3,
    "hosts": [{"id": "11111111-1111-4111-8111-111111111111", "name": "host1", "cpu_mhz": 2000,
               "memory_mb": 4096}],
    "machines": [{"id": "33333333-3333-4333-8333-333333333333", "path": "vm/vm.vmx",
                  "priority": "high", "memory_mb": 512}]}})";

std::string reason(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    try {
        Names names;
        parse_config(text, "ha.json", names);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

TEST(HadConfig, reads_hosts_and_machines) {
    Names names;
    const auto config = parse_config(kGood, "ha.json", names);
    EXPECT_EQ(config.catalogue.version, 3U);
    ASSERT_EQ(config.catalogue.machines.size(), 1U);
    EXPECT_EQ(config.catalogue.machines[0].priority, ha::Priority::high);
    EXPECT_EQ(config.catalogue.shape.machines[0].memory_configured_bytes, 512.0 * (1 << 20));
    EXPECT_EQ(config.files[0].vmx_file, "vm/vm.vmx");
}

TEST(HadConfig, names_field_and_reason) {
    using testing::HasSubstr;
    EXPECT_THAT(reason(kGood, "\"high\"", "\"higher\""), HasSubstr("machines[0].priority: must"));
    EXPECT_THAT(reason(kGood, "vm/vm.vmx", "../vm.vmx"), HasSubstr("path: must name"));
    EXPECT_THAT(reason(kGood, "host_name", "hostname"), HasSubstr("host_name: is missing"));
    EXPECT_THAT(reason(kGood, "\"version\"", "\"verison\""), HasSubstr("verison: is unknown"));
    EXPECT_THAT(reason(kGood, "[\"false\"]", "\"halt\""), HasSubstr("reset: must be"));
    EXPECT_THAT(reason(kGood, "\"host\": \"1", "\"host\": \"2"), HasSubstr("this host among"));
}

}  // namespace
}  // namespace drover::had
