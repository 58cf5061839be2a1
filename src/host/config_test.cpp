#include "host/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.hpp"

namespace drover::host {
namespace {

using nlohmann::json;
using testing::StartsWith;

json smallest() {
    return {{"state_directory", "/var/lib/drover"},
            {"host_name", "host1"},
            {"management_address", "10.0.0.1"}};
}

json with(const std::string& field, const json& value) {
    json made = smallest();
    made[field] = value;
    return made;
}

std::string error_of(const std::string& text) {
    try {
        parse_config(text, "x.json");
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "none";
}
std::string error_of(const json& document) {
    return error_of(document.dump());
}

TEST(Config, TheSmallestOneHasDefaultsForTheRest) {
    const Config config = parse_config(smallest().dump(), "x.json");
    EXPECT_EQ(config.state_directory, "/var/lib/drover");
    EXPECT_EQ(config.host_name, "host1");
    EXPECT_EQ(config.libvirt_uri, "qemu:///system");
    EXPECT_EQ(config.listen_port, 443);
    EXPECT_FALSE(config.cpu_cores || config.memory_bytes);
    EXPECT_TRUE(config.datastores.empty() && config.networks.empty());
}

TEST(Config, ReadsEveryField) {
    const Config config = parse_config(R"({
        // comments are welcome
        "state_directory": "/s", "libvirt_uri": "qemu:///session", "rootd_socket": "/r",
        "host_name": "h", "host_uuid": "u", "management_address": "::1", "listen_port": 8443,
        "cpu_cores": 1.5, "memory_bytes": 1073741824, "cgroup_partition": "/machine/h",
        "migration_address": "10.0.1.1",
        "datastores": [{"name": "a", "path": "/a"}, {"name": "b", "path": "/b"}],
        "networks": [{"name": "VM Network", "bridge": "br0"}]})",
                                       "x.json");
    EXPECT_EQ(config.libvirt_uri, "qemu:///session");
    EXPECT_EQ(config.rootd_socket, "/r");
    EXPECT_EQ(config.host_uuid, "u");
    EXPECT_EQ(config.management_address, "::1");
    EXPECT_EQ(config.listen_port, 8443);
    EXPECT_EQ(config.cpu_cores, 1.5);
    EXPECT_EQ(config.memory_bytes, 1073741824u);
    EXPECT_EQ(config.cgroup_partition, "/machine/h");
    ASSERT_EQ(config.datastores.size(), 2u);
    EXPECT_EQ(config.datastores[1].path, "/b");
    ASSERT_EQ(config.networks.size(), 1u);
    EXPECT_EQ(config.networks[0].bridge, "br0");
}

TEST(Config, NullIsAsGoodAsAbsent) {
    EXPECT_EQ(parse_config(with("listen_port", nullptr).dump(), "x").listen_port, 443);
    EXPECT_EQ(error_of(with("host_name", nullptr)), "x.json: host_name: is missing");
}

TEST(Config, ErrorsNameTheFileTheFieldAndTheReason) {
    EXPECT_EQ(error_of(std::string("{")), "x.json: is not valid JSON");
    EXPECT_THAT(error_of(std::string("[]")), StartsWith("x.json: "));
    EXPECT_EQ(error_of(with("host_name", 1)), "x.json: host_name: must be a text");
    EXPECT_EQ(error_of(with("host_name", "")), "x.json: host_name: must not be empty");
    EXPECT_EQ(error_of(with("state_directory", "var")),
              "x.json: state_directory: must be absolute");
    EXPECT_EQ(error_of(with("hostname", "h")), "x.json: hostname: is unknown");
    for (const json& port : {json(65536), json(-1), json("443"), json(1.5)}) {
        EXPECT_EQ(error_of(with("listen_port", port)),
                  "x.json: listen_port: must be a number from 0 to 65535");
    }
    for (const json& cores : {json(0), json(-1), json(4097), json("2")}) {
        EXPECT_EQ(error_of(with("cpu_cores", cores)),
                  "x.json: cpu_cores: must be a number from 0.01 to 4096");
    }
    for (const json& memory : {json(67108863), json(-1), json(1e12)}) {
        EXPECT_EQ(error_of(with("memory_bytes", memory)),
                  "x.json: memory_bytes: must be a number of at least 67108864");
    }
}

TEST(Config, ErrorsInListsNameTheEntry) {
    EXPECT_EQ(error_of(with("networks", "br0")), "x.json: networks: must be a list");
    EXPECT_EQ(error_of(with("networks", {{{"name", "a"}, {"bridge", "b"}}, {{"name", "c"}}})),
              "x.json: networks[1].bridge: is missing");
    EXPECT_EQ(error_of(with("networks", {{{"name", "a"}, {"bridge", "b"}, {"vlan", 1}}})),
              "x.json: networks[0].vlan: is unknown");
    EXPECT_THAT(error_of(with("datastores", {7})), StartsWith("x.json: datastores[0]"));
    EXPECT_THAT(error_of(with("datastores", {{{"name", "a"}, {"path", "rel"}}})),
                testing::EndsWith("must be absolute"));
    const json twice = {{{"name", "a"}, {"path", "/a"}}, {{"name", "a"}, {"path", "/b"}}};
    EXPECT_THAT(error_of(with("datastores", twice)), testing::EndsWith("is there twice"));
}

TEST(Config, ATextThatIsCutShortIsAlwaysAnError) {
    const std::string text = with("datastores", {{{"name", "a"}, {"path", "/a"}}}).dump();
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_NE(error_of(text.substr(0, length)), "none") << length;
    }
}

TEST(Config, LoadsAFile) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("drover-config-" + base::SystemRandom().hex(8) + ".json");
    std::ofstream(path) << smallest();
    EXPECT_EQ(load_config(path).host_name, "host1");
    std::filesystem::remove(path);
    EXPECT_THROW(load_config(path), std::exception);
}

}  // namespace
}  // namespace drover::host
