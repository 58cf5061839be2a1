#include "service/authorization/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/authorization/directory.hpp"
#include "store/temporary_directory.hpp"

namespace drover::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PrivilegesTest, EveryPrivilegeOfTheSchemaIsThereOnce) {
    const auto& all = all_privileges();
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Privilege::id));
    EXPECT_EQ(std::ranges::adjacent_find(all, {}, &Privilege::id), all.end());
    for (const auto id : {"System.View", "VirtualMachine.Interact.PowerOn", "Datastore.Browse",
                          "Host.Local.ManageUserGroups", "Network.Assign"}) {
        EXPECT_TRUE(find_privilege(id)) << id;
    }
    EXPECT_FALSE(find_privilege("VirtualMachine"));
    const auto& one = all[privilege_index("VirtualMachine.Config.AddNewDisk")];
    EXPECT_EQ(one.group, "VirtualMachine.Config");
    EXPECT_EQ(one.name, "AddNewDisk");
    EXPECT_EQ(one.label, "Add new disk");
}

TEST(RulesTest, HasTheSystemsRolesByTheirNumbers) {
    const Rules rules = system_rules();
    EXPECT_EQ(rules.find_role(role::kAdmin)->privileges, every_privilege());
    EXPECT_THAT(privilege_ids(rules.find_role(role::kReadOnly)->privileges),
                ElementsAre("System.Anonymous", "System.Read", "System.View"));
    EXPECT_TRUE(rules.find_role(role::kNoAccess)->privileges.none());
    EXPECT_FALSE(rules.find_role(role::kNoCryptoAdmin)
                     ->privileges.test(privilege_index("Cryptographer.Decrypt")));
    EXPECT_EQ(rules.find_role(std::string_view("NoAccess"))->id, role::kNoAccess);
}

class StoredRulesTest : public testing::Test {
protected:
    StoredRulesTest() { reopen(); }
    void reopen() {
        store_.reset();
        store_ = store::open_sqlite_store(directory_.path() / "test.db");
    }
    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_;
};

TEST_F(StoredRulesTest, ComeBackAsTheyWere) {
    Rules before = system_rules();
    Rules after = before;
    PrivilegeSet privileges;
    privileges.set(privilege_index("System.Read"));
    privileges.set(privilege_index("Datastore.Browse"));
    const int id = after.next_role++;
    after.roles.emplace(id, Role{id, "browsers", "browsers", "browsers", privileges});
    after.put({"ha-folder-vm", {"alice", false}, id, true});
    after.put({"ha-folder-vm", {"staff", true}, role::kNoAccess, false});
    store_->commit_and_wait(difference(before, after));
    reopen();
    const Rules loaded = load_rules(*store_);
    EXPECT_EQ(loaded.roles, after.roles);
    EXPECT_EQ(loaded.permissions, after.permissions);
    EXPECT_EQ(loaded.next_role, after.next_role);

    Rules emptied = loaded;
    emptied.remove_principal({"alice", false});
    emptied.remove_entity("ha-folder-vm");
    emptied.roles.erase(id);
    store_->commit_and_wait(difference(loaded, emptied));
    const Rules gone = load_rules(*store_);
    EXPECT_THAT(gone.permissions, IsEmpty());
    EXPECT_EQ(gone.roles, before.roles);
    EXPECT_EQ(gone.next_role, after.next_role) << "a role's number is never used again";
}

TEST_F(StoredRulesTest, AccountsAndGroupsComeBackAndOldAccountsAreRead) {
    Accounts(*store_).set_password("root", "secret words");
    store::Record old;
    old.kind = "account";
    old.id = "old";
    old.value = "$y$hash";  // as before accounts had descriptions
    store_->commit_and_wait(store::Batch().put(old));
    const Directory before = load_directory(*store_);
    EXPECT_EQ(before.users.at("old").hash, "$y$hash");
    Directory after = before;
    after.users["alice"] = {"alice", "", 1001, "Alice of the lab"};
    after.groups["staff"] = {"staff", 1002, "", {"alice", "root"}};
    store::Batch batch;
    add_difference(batch, before, after);
    store_->commit_and_wait(std::move(batch));
    reopen();
    const Directory loaded = load_directory(*store_);
    EXPECT_EQ(loaded.users, after.users);
    EXPECT_EQ(loaded.groups, after.groups);
    EXPECT_THAT(loaded.groups_of("alice"), ElementsAre("staff"));
    EXPECT_EQ(loaded.next_posix_id(), 1003);
}

TEST(AdministratorsTest, AreThoseWhoCanLogInAndHoldEverythingAtTheRoot) {
    Directory directory;
    for (const auto* name : {"alice", "bob", "carol"}) {
        directory.users[name] = {name, "$y$hash", 0, ""};
    }
    directory.users["nobody"] = {"nobody", "", 0, ""};
    directory.groups["admins"] = {"admins", 1, "", {"alice", "bob"}};
    Rules rules = system_rules();
    rules.put({"root", {"admins", true}, role::kAdmin, true});
    rules.put({"root", {"bob", false}, role::kReadOnly, true});
    rules.put({"root", {"carol", false}, role::kAdmin, false});
    rules.put({"root", {"nobody", false}, role::kAdmin, true});
    EXPECT_THAT(administrators(rules, directory, "root"), ElementsAre("alice"));
}

}  // namespace
}  // namespace drover::service
