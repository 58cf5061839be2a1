#include "had/config.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>

#include "base/file.hpp"

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

TEST(HadConfig, reads_where_else_machines_lie) {
    const std::string id = "55555555-5555-4555-8555-555555555555";
    const std::string other =
        R"("datastores": [{"id": ")" + id + R"(", "name": "fast", "path": "/fast"}],
  "catalogue")";
    std::string text = kGood;
    text.replace(text.find("\"catalogue\""), 11, other);
    const auto machine = "\"priority\": \"high\", \"datastore\": \"" + id + "\"";
    text.replace(text.find("\"priority\": \"high\""), 18, machine);
    Names names;
    const auto config = parse_config(text, "ha.json", names);
    EXPECT_EQ(config.files[0].datastore, id);
    EXPECT_EQ(config.datastore_of(config.files[0]), "fast");
    const auto first = parse_config(kGood, "ha.json", names);
    EXPECT_NE(config.catalogue.machines[0].lease_place, first.catalogue.machines[0].lease_place);
    EXPECT_THAT(reason(text, "\"/fast\"", "\"fast\""), testing::HasSubstr("datastores[0].path"));
    EXPECT_THAT(reason(text, "\"fast\"", "\"a/b\""), testing::HasSubstr("datastores[0].name"));
    EXPECT_THAT(reason(text, "{\"id\": \"5", "{\"id\": \"6"), testing::HasSubstr("].datastore:"));
    EXPECT_THAT(reason(text, "{\"id\": \"5", "{\"id\": \"x"), testing::HasSubstr("must be a UUID"));
}

TEST(HadConfig, reads_rules_and_networks) {
    std::string text = kGood;
    const std::string rules =
        R"("memory_mb": 512, "networks": ["net-1"]}],
    "rules": [{"name": "licence", "kind": "must_run_on",
               "machines": ["33333333-3333-4333-8333-333333333333"],
               "hosts": ["11111111-1111-4111-8111-111111111111"]}])";
    text.replace(text.find("\"memory_mb\": 512}]"), 18, rules);
    Names names;
    const auto config = parse_config(text, "ha.json", names);
    ASSERT_EQ(config.catalogue.shape.rules.size(), 1U);
    const auto& rule = config.catalogue.shape.rules[0];
    EXPECT_EQ(rule.name, "licence");
    EXPECT_EQ(rule.kind, plan::RuleKind::must_run_on);
    EXPECT_EQ(rule.machines, std::vector<plan::MachineIndex>{0});
    EXPECT_EQ(rule.hosts, std::vector<plan::HostIndex>{0});
    EXPECT_EQ(config.catalogue.shape.machines[0].networks, std::vector<std::string>{"net-1"});
    EXPECT_THAT(reason(text, "must_run_on", "nowhere"), testing::HasSubstr("rules[0].kind: must"));
    EXPECT_THAT(reason(text, R"("kind": "must_run_on",)", ""),
                testing::HasSubstr("rules[0].kind: is missing"));
    EXPECT_THAT(reason(text, R"("hosts": ["1)", R"("hosts": ["2)"),
                testing::HasSubstr("rules[0].hosts: 2"));
    EXPECT_THAT(reason(text, R"("machines": ["3)", R"("machines": ["4)"),
                testing::HasSubstr("rules[0].machines: 4"));
}

TEST(HadConfig, reads_how_guests_are_monitored) {
    std::string text = kGood;
    const std::string own = R"("memory_mb": 512, "monitoring": {"failure_interval_s": 60,)"
                            R"( "maximum_failures": 2, "maximum_failure_window_s": -1})";
    text.replace(text.find("\"memory_mb\": 512"), 16, own);
    Names names;
    const auto config = parse_config(text, "ha.json", names);
    ASSERT_EQ(config.monitored.size(), 1U);
    const auto& monitoring = config.monitored.begin()->second;
    EXPECT_TRUE(monitoring.enabled);
    EXPECT_EQ(monitoring.failure_interval, std::chrono::seconds{60});
    EXPECT_EQ(monitoring.minimum_uptime, std::chrono::seconds{120});
    EXPECT_EQ(monitoring.maximum_failures, 2U);
    EXPECT_LT(monitoring.maximum_failure_window, ha::Duration::zero());
    EXPECT_THAT(reason(text, "\"maximum_failures\": 2", "\"maximum_failures\": 0"),
                testing::HasSubstr("maximum_failures: must be"));
    EXPECT_TRUE(config.reset_when_storage_is_back.empty());
    const std::string reset = R"("memory_mb": 512, "reset_when_storage_is_back": true)";
    text.replace(text.find("\"memory_mb\": 512"), 16, reset);
    EXPECT_EQ(parse_config(text, "ha.json", names).reset_when_storage_is_back.size(), 1U);
    EXPECT_THAT(reason(text, "back\": true", "back\": 1"),
                testing::HasSubstr("storage_is_back: must be true or false"));
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

const std::string kEtcd = R"("etcd": {"token": "c7-1", "client_port": 8182, "peer_port": 8183,
    "identity": "/var/lib/drover/hostd/tls", "directory": "/var/lib/drover/hostd/etcd",
    "members": [{"host": "11111111-1111-4111-8111-111111111111", "address": "192.0.2.1"},
                {"host": "22222222-2222-4222-8222-222222222222", "address": "2001:db8::2"}],
    "authorities": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]},
  "catalogue")";

TEST(HadConfig, reads_who_runs_etcd) {
    Names names;
    EXPECT_FALSE(parse_config(kGood, "ha.json", names).etcd);
    std::string text = kGood;
    text.replace(text.find("\"catalogue\""), 11, kEtcd);
    const auto config = parse_config(text, "ha.json", names);
    ASSERT_TRUE(config.etcd);
    EXPECT_EQ(config.etcd->members.size(), 2U);
    EXPECT_EQ(config.etcd->members[1].address, "2001:db8::2");
    EXPECT_EQ(config.etcd->peer_port, 8183);
    EXPECT_TRUE(config.etcd->authorities.ends_with("-----END CERTIFICATE-----\n"));
}

TEST(HadConfig, names_what_is_wrong_about_etcd) {
    using testing::HasSubstr;
    std::string text = kGood;
    text.replace(text.find("\"catalogue\""), 11, kEtcd);
    EXPECT_THAT(reason(text, "c7-1", "../x"), HasSubstr("etcd.token: must be letters"));
    EXPECT_THAT(reason(text, "192.0.2.1", "esx1.example.org"),
                HasSubstr("members[0].address: must be an IP"));
    EXPECT_THAT(reason(text, "2001:db8::2", "192.0.2.1"), HasSubstr("members[1].address: stands"));
    EXPECT_THAT(reason(text, "8183", "8182"), HasSubstr("peer_port: is the client_port"));
    EXPECT_THAT(reason(text, "8182", "65536"), HasSubstr("client_port: must be a number"));
    EXPECT_THAT(reason(text, "-----BEGIN", "-----BEGAN"), HasSubstr("authorities: must be"));
    EXPECT_THAT(reason(text, "\"/var/lib/drover/hostd/tls", "\"tls"), HasSubstr("identity: must"));
}

// The administrator's file and the generated one, in a directory of their own.
class GeneratedConfig : public testing::Test {
protected:
    GeneratedConfig() {
        std::string made = std::filesystem::temp_directory_path() / "had-config-XXXXXX";
        directory = ::mkdtemp(made.data());
        write(file(), R"({"reset": ["false"], "generated": ")" + generated().string() + "\"}");
    }
    ~GeneratedConfig() override { std::filesystem::remove_all(directory); }

    std::filesystem::path file() const { return directory / "ha.json"; }
    std::filesystem::path generated() const { return directory / "generated.json"; }
    static void write(const std::filesystem::path& path, const std::string& text) {
        base::write_file_atomically(path, text);
    }
    static std::string protection() {
        std::string text = kGood;
        const std::string reset = ", \"reset\": [\"false\"]";
        return text.erase(text.find(reset), reset.size());
    }

    std::filesystem::path directory;
};

TEST_F(GeneratedConfig, waits_for_what_is_protected_and_takes_it_from_there) {
    EXPECT_FALSE(has_protection(file()));
    write(generated(), protection());
    EXPECT_TRUE(has_protection(file()));
    Names names;
    const auto config = load_config(file(), names);
    EXPECT_EQ(config.reset, std::vector<std::string>{"false"});
    EXPECT_EQ(config.datastore, "shared");
    EXPECT_EQ(config.files.size(), 1U);
}

// It is another user's: it must not say what root does.
TEST_F(GeneratedConfig, may_not_say_how_the_host_is_reset_nor_be_anything_but_a_file) {
    Names names;
    write(generated(), kGood);
    EXPECT_THROW(load_config(file(), names), std::runtime_error);
    std::filesystem::remove(generated());
    write(directory / "other.json", protection());
    std::filesystem::create_symlink(directory / "other.json", generated());
    EXPECT_THROW(load_config(file(), names), std::runtime_error);
}

TEST_F(GeneratedConfig, stands_in_one_file_or_in_the_other) {
    std::string both = kGood;
    both.replace(both.find("\"reset\""), 0, "\"generated\": \"/nowhere\", ");
    Names names;
    EXPECT_THROW(parse_config(both, "ha.json", names), std::runtime_error);
}

}  // namespace
}  // namespace drover::had
