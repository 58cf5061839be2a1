#include "center/availability/draft.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace drover::center {
namespace {

using nlohmann::json;
using testing::HasSubstr;

DraftHost host(const std::string& uuid, std::vector<std::string> datastores) {
    return {uuid, "host-" + uuid, 4000, 8192, std::move(datastores), {}, {}};
}

DraftMachine machine(const std::string& id, const std::string& datastore) {
    DraftMachine made;
    made.id = id;
    made.uuid = "uuid-" + id;
    made.name = id;
    made.vmx = "[" + datastore + "] " + id + "/" + id + ".vmx";
    made.datastores = {"ds-" + datastore};
    made.memory_mb = 512;
    return made;
}

// Two hosts, two shared datastores and one that only the first host sees.
DraftCluster cluster() {
    DraftCluster made;
    made.settings.enabled = true;
    made.hosts = {host("b", {"ds-one", "ds-two"}), host("a", {"ds-one", "ds-two", "ds-own"})};
    made.datastores = {
        {"ds-one", "u1", "one", 10}, {"ds-two", "u2", "two", 20}, {"ds-own", "u3", "own", 99}};
    made.machines = {machine("vm-1", "one"), machine("vm-2", "one"), machine("vm-3", "two"),
                     machine("vm-4", "own")};
    return made;
}

json machines_of(const Draft& draft) {
    return json::parse(draft.catalogue)["machines"];
}

TEST(AvailabilityDraft, watches_where_most_machines_lie_and_protects_all_that_all_hosts_see) {
    const auto draft = make_draft(cluster(), "");
    EXPECT_EQ(draft.datastore, "ds-one");
    ASSERT_EQ(machines_of(draft).size(), 3U);
    EXPECT_EQ(machines_of(draft)[0]["path"], "vm-1/vm-1.vmx");
    EXPECT_FALSE(machines_of(draft)[0].contains("datastore"));
    EXPECT_EQ(machines_of(draft)[2]["path"], "vm-3/vm-3.vmx");
    EXPECT_EQ(machines_of(draft)[2]["datastore"], "u2");
    EXPECT_THAT(draft.unprotected.at("vm-4"), HasSubstr("not all hosts"));
    EXPECT_EQ(draft.unprotected.size(), 1U);
}

TEST(AvailabilityDraft, takes_no_more_datastores_than_hosts_can_watch) {
    auto made = cluster();
    for (std::size_t i = 0; i < kMostOthers; ++i) {
        const auto name = "more" + std::to_string(i);
        made.datastores.push_back({"ds-" + name, "u-" + name, name, 1});
        for (auto& each : made.hosts) each.datastores.push_back("ds-" + name);
        made.machines.push_back(machine("vm-a" + std::to_string(i), name));
    }
    const auto draft = make_draft(made, "ds-one");
    EXPECT_EQ(machines_of(draft).size(), 2 + kMostOthers);
    EXPECT_EQ(draft.unprotected.size(), 2U);  // the last of the others, and the one on "own"
}

TEST(AvailabilityDraft, keeps_its_datastore_unless_the_administrator_wants_another) {
    auto made = cluster();
    EXPECT_EQ(make_draft(made, "ds-two").datastore, "ds-two");
    EXPECT_EQ(make_draft(made, "ds-own").datastore, "ds-one");
    made.settings.preferred_datastores = {"ds-two"};
    EXPECT_EQ(make_draft(made, "ds-one").datastore, "ds-two");
}

TEST(AvailabilityDraft, says_why_nothing_can_be_protected) {
    auto made = cluster();
    made.hosts.pop_back();
    EXPECT_THAT(make_draft(made, "").problem, HasSubstr("two hosts"));
    EXPECT_EQ(option_text(make_draft(made, ""), 7, ""), "");
    made = cluster();
    made.hosts[0].datastores = {"ds-x"};
    EXPECT_THAT(make_draft(made, "").unprotected.at("vm-1"), HasSubstr("seen by all hosts"));
    made = cluster();
    made.settings.only_preferred = true;
    EXPECT_THAT(make_draft(made, "").problem, HasSubstr("selected"));
}

TEST(AvailabilityDraft, leaves_out_what_could_not_be_started_elsewhere) {
    auto made = cluster();
    made.settings.overrides["vm-1"].priority = "disabled";
    made.machines[1].datastores.push_back("ds-own");
    const auto draft = make_draft(made, "ds-one");
    EXPECT_EQ(machines_of(draft).size(), 1U);
    EXPECT_THAT(draft.unprotected.at("vm-1"), HasSubstr("disabled"));
    EXPECT_THAT(draft.unprotected.at("vm-2"), HasSubstr("not all hosts"));
}

TEST(AvailabilityDraft, protects_one_of_two_machines_of_one_uuid) {
    auto made = cluster();
    made.machines[1].uuid = made.machines[0].uuid;
    const auto draft = make_draft(made, "ds-one");
    EXPECT_EQ(machines_of(draft).size(), 2U);
    EXPECT_THAT(draft.unprotected.at("vm-2"), HasSubstr("same UUID"));
}

TEST(AvailabilityDraft, is_the_same_text_whatever_the_order) {
    auto made = cluster();
    const auto draft = make_draft(made, "");
    std::ranges::reverse(made.hosts);
    std::ranges::reverse(made.machines);
    EXPECT_EQ(make_draft(made, "").catalogue, draft.catalogue);
    const auto text = json::parse(option_text(draft, 42, ""));
    EXPECT_EQ(text["catalogue"]["version"], 42);
    EXPECT_EQ(text["datastore"], "u1");
}

TEST(AvailabilityDraft, names_what_must_be_ready_first_by_uuid_if_it_is_protected) {
    auto made = cluster();
    made.settings.depends_on["vm-2"] = {"vm-1", "vm-4"};
    const auto draft = make_draft(made, "ds-one");
    EXPECT_EQ(machines_of(draft)[1]["depends_on"], json::array({"uuid-vm-1"}));
}

TEST(AvailabilityDraft, tells_rules_by_uuid_as_far_as_machines_are_protected) {
    auto made = cluster();
    const auto rule = [](plan::RuleKind kind, std::vector<plan::MachineIndex> machines,
                         std::vector<plan::HostIndex> hosts = {}) {
        return plan::Rule{"rule", kind, std::move(machines), std::move(hosts), 2};
    };
    made.rules = {rule(plan::RuleKind::keep_apart, {1, 0}),
                  rule(plan::RuleKind::keep_apart, {0, 3}),  // the other is not protected
                  rule(plan::RuleKind::keep_together, {0, 1}),
                  rule(plan::RuleKind::must_run_on, {0, 3}, {0}),
                  rule(plan::RuleKind::should_not_run_on, {1}, {0, 1})};
    const auto rules_of = [&made] {
        const auto catalogue = json::parse(make_draft(made, "ds-one").catalogue);
        return catalogue.value("rules", json::array());
    };
    auto rules = rules_of();
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0]["kind"], "keep_apart");
    EXPECT_EQ(rules[0]["machines"], json::array({"uuid-vm-1", "uuid-vm-2"}));
    EXPECT_FALSE(rules[0].contains("hosts"));
    EXPECT_EQ(rules[1]["kind"], "must_run_on");
    EXPECT_EQ(rules[1]["machines"], json::array({"uuid-vm-1"}));
    EXPECT_EQ(rules[1]["hosts"], json::array({"b"}));
    EXPECT_EQ(rules[2]["hosts"], json::array({"a", "b"}));
    made.settings.respects_anti_affinity = made.settings.respects_soft_host_rules = false;
    rules = rules_of();
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(rules[0]["kind"], "must_run_on");
}

TEST(AvailabilityDraft, tells_which_networks_a_machine_needs) {
    auto made = cluster();
    made.hosts[0].networks = {"net-2", "net-1"};
    made.machines[0].networks = {"net-1"};
    const auto catalogue = json::parse(make_draft(made, "ds-one").catalogue);
    EXPECT_EQ(catalogue["hosts"][1]["networks"], json::array({"net-1", "net-2"}));
    EXPECT_EQ(catalogue["machines"][0]["networks"], json::array({"net-1"}));
    EXPECT_FALSE(catalogue["machines"][1].contains("networks"));
}

TEST(AvailabilityDraft, restarts_nothing_while_hosts_are_not_monitored) {
    auto made = cluster();
    made.settings.restarts = false;
    EXPECT_EQ(machines_of(make_draft(made, ""))[0]["priority"], "disabled");
}

// So many hosts, which say of themselves what members need.
DraftCluster crowd(int count) {
    auto made = cluster();
    made.hosts.clear();
    for (int at = 0; at < count; ++at) {
        const auto name = std::string(1, static_cast<char>('a' + at));
        auto each = host(name, {"ds-one"});
        each.address = "192.0.2." + std::to_string(at + 1);
        each.certificate = "certificate of " + name;
        made.hosts.push_back(each);
    }
    return made;
}

std::string members_of(const DraftEtcd& etcd) {
    std::string all;
    for (const auto& [member, address] : etcd.members) all += member;
    return all;
}

TEST(AvailabilityDraft, three_hosts_run_etcd_and_five_of_many) {
    EXPECT_EQ(members_of(make_draft(crowd(2), "").etcd), "");
    EXPECT_EQ(members_of(make_draft(crowd(3), "").etcd), "abc");
    EXPECT_EQ(members_of(make_draft(crowd(6), "").etcd), "abc");
    const auto draft = make_draft(crowd(8), "");
    EXPECT_EQ(members_of(draft.etcd), "abcde");
    EXPECT_EQ(draft.etcd.certificates.size(), 8U);
    const auto text = json::parse(option_text(draft, 7, "c-7"));
    EXPECT_EQ(text["etcd"]["token"], "c-7");
    EXPECT_EQ(text["etcd"]["members"].size(), 5U);
    EXPECT_EQ(text["etcd"]["members"][1], json({{"host", "b"}, {"address", "192.0.2.2"}}));
    EXPECT_EQ(text["etcd"]["authorities"].size(), 8U);
    EXPECT_FALSE(json::parse(option_text(make_draft(crowd(2), ""), 7, "c")).contains("etcd"));
}

TEST(AvailabilityDraft, members_stay_until_their_host_goes_or_moves) {
    auto made = crowd(6);
    const DraftEtcd present{{{"b", "192.0.2.2"}, {"d", "192.0.2.4"}, {"f", "192.0.2.6"}}, {}};
    EXPECT_EQ(members_of(make_draft(made, "", present).etcd), "bdf");
    made.hosts[3].address = "192.0.2.99";
    EXPECT_EQ(members_of(make_draft(made, "", present).etcd), "abf");
    made.hosts.erase(made.hosts.begin() + 1);
    EXPECT_EQ(members_of(make_draft(made, "", present).etcd), "acf");
}

TEST(AvailabilityDraft, what_a_silent_host_said_before_counts) {
    auto made = crowd(3);
    const auto before = make_draft(made, "").etcd;
    made.hosts[1].address.clear();
    made.hosts[1].certificate.clear();
    EXPECT_EQ(make_draft(made, "", before).etcd, before);
    // Two would be lost with either.
    EXPECT_EQ(members_of(make_draft(made, "").etcd), "");
}

}  // namespace
}  // namespace drover::center
