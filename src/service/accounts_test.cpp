#include "service/accounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/temporary_directory.hpp"

namespace drover::service {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AccountsTest : public testing::Test {
protected:
    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_ = store::open_sqlite_store(directory_.path() / "s.db");
    Accounts accounts_{*store_};
};

TEST_F(AccountsTest, KnowsRightFromWrong) {
    EXPECT_FALSE(accounts_.any());
    accounts_.set_password("root", "correct horse");
    EXPECT_TRUE(accounts_.any());
    EXPECT_TRUE(accounts_.verify("root", "correct horse"));
    for (const char* wrong : {"", "correct hors", "correct horse ", "Correct horse"}) {
        EXPECT_FALSE(accounts_.verify("root", wrong)) << wrong;
    }
    for (const char* unknown : {"", "Root", "admin", "?"}) {
        EXPECT_FALSE(accounts_.verify(unknown, "correct horse")) << unknown;
    }
}

TEST_F(AccountsTest, KeepsHashesThatDifferForEqualPasswords) {
    accounts_.set_password("a", "secret text");
    accounts_.set_password("b", "secret text");
    const auto a = store_->get("account", "a");
    const auto b = store_->get("account", "b");
    ASSERT_TRUE(a && b);
    EXPECT_THAT(a->value, StartsWith("$y$"));
    EXPECT_THAT(a->value, Not(HasSubstr("secret")));
    EXPECT_NE(a->value, b->value);
}

TEST_F(AccountsTest, ANewPasswordReplacesTheOldOne) {
    accounts_.set_password("root", "one");
    accounts_.set_password("root", "two");
    EXPECT_FALSE(accounts_.verify("root", "one"));
    EXPECT_TRUE(accounts_.verify("root", "two"));
}

TEST_F(AccountsTest, RefusesWhatIsNoNameOrNoPassword) {
    for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                    std::string("a\n"), std::string(65, 'a')}) {
        EXPECT_THROW(accounts_.set_password(name, "x"), std::invalid_argument) << name;
    }
    for (const std::string& password :
         {std::string(), std::string(257, 'a'), std::string("a\0b", 3)}) {
        EXPECT_THROW(accounts_.set_password("root", password), std::invalid_argument);
    }
    EXPECT_FALSE(accounts_.any());
    accounts_.set_password("DOMAIN\\some.user-1@example_x", std::string(256, 'a'));
    EXPECT_TRUE(accounts_.verify("DOMAIN\\some.user-1@example_x", std::string(256, 'a')));
}

TEST_F(AccountsTest, HostileLoginsAreJustWrong) {
    accounts_.set_password("root", "right");
    EXPECT_FALSE(accounts_.verify("root", std::string("right\0junk", 10)));
    EXPECT_FALSE(accounts_.verify("root", std::string(1 << 20, 'a')));
    EXPECT_FALSE(accounts_.verify(std::string(1 << 20, 'r'), "right"));
    EXPECT_FALSE(accounts_.verify(std::string("root\0", 5), "right"));
}

TEST_F(AccountsTest, ADamagedHashLetsNobodyIn) {
    for (const char* damaged : {"", "*0", "right", "$y$", "$y$j9T$"}) {
        store::Record record;
        record.kind = "account";
        record.id = "root";
        record.value = damaged;
        store_->commit_and_wait(store::Batch().put(record));
        EXPECT_FALSE(accounts_.verify("root", "right")) << damaged;
    }
}

}  // namespace
}  // namespace drover::service
