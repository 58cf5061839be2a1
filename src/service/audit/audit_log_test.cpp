#include "service/audit/audit_log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/log.hpp"
#include "store/temporary_directory.hpp"
#include "vim/types.hpp"

namespace drover::service {
namespace {

class Audit : public testing::Test {
protected:
    std::vector<nlohmann::json> lines() const {
        std::vector<nlohmann::json> made;
        const std::string text = base::read_file(path_, 1 << 20);
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            made.push_back(nlohmann::json::parse(text.substr(at, end - at)));
            at = end + 1;
        }
        return made;
    }

    void call(std::string_view method, const vim::Value& request,
              const std::optional<vim::Fault>& fault = {}) {
        task::Caller caller;
        caller.user = "root";
        caller.remote_address = "192.0.2.7";
        caller.session_key = "s1";
        audit_.call(caller, {vim::TypeId::Folder, "group-v3"}, *vim::find_method(method), request,
                    "vm", {}, fault);
    }

    static bool wants(std::string_view method) {
        return AuditLog::wants(*vim::find_method(method));
    }

    store::TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "log" / "audit.jsonl";
    base::SystemClock clock_;
    AuditLog audit_{clock_, path_, {4096, 2}};
};

TEST_F(Audit, KnowsWhatChangesSomething) {
    for (const auto method :
         {"Login", "Logout", "PowerOnVM_Task", "ResetVM_Task", "SetEntityPermissions", "CreateUser",
          "UpdateOptions", "CreateFolder", "MoveIntoFolder_Task", "Destroy_Task", "CancelTask",
          "AcquireTicket", "AddHost_Task", "AddAuthorizationRole", "RemoveEntityPermission"}) {
        EXPECT_TRUE(wants(method)) << method;
    }
    for (const auto method :
         {"RetrievePropertiesEx", "WaitForUpdatesEx", "CreateFilter", "QueryPerf", "CurrentTime",
          "CreateContainerView", "FindByUuid", "RetrieveServiceContent", "SearchDatastore_Task",
          "SessionIsActive"}) {
        EXPECT_FALSE(wants(method)) << method;
    }
}

TEST_F(Audit, TellsWhoDidWhatAndHowItEnded) {
    auto request = vim::Rename_TaskRequest::make();
    request.set_newName("other \"name\"\n\xff");
    call("Rename_Task", request.raw());
    call("Rename_Task", request.raw(), vim::make_fault<vim::InvalidName>("It can't be."));
    const auto told = lines();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0]["user"], "root");
    EXPECT_EQ(told[0]["from"], "192.0.2.7");
    EXPECT_EQ(told[0]["method"], "Rename_Task");
    EXPECT_EQ(told[0]["object"], "Folder:group-v3");
    EXPECT_EQ(told[0]["name"], "vm");
    EXPECT_EQ(told[0]["result"], "ok");
    EXPECT_TRUE(told[0]["parameters"]["newName"].get<std::string>().starts_with("other \"name\""));
    EXPECT_EQ(told[1]["result"], "InvalidName");
    EXPECT_EQ(told[1]["reason"], "It can't be.");
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(Audit, TellsNoSecrets) {
    auto login = vim::LoginRequest::make();
    login.set_userName("root");
    login.set_password("hidden one");
    call("Login", login.raw());
    auto option = vim::OptionValue::make();
    option.set_key("guestinfo.password");
    option.set_value(vim::Value::string("hidden two"));
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_extraConfig({option});
    auto reconfigure = vim::ReconfigVM_TaskRequest::make();
    reconfigure.set_spec(spec);
    call("ReconfigVM_Task", reconfigure.raw());
    const std::string text = base::read_file(path_, 1 << 20);
    EXPECT_FALSE(text.contains("hidden")) << text;
    EXPECT_TRUE(text.contains("guestinfo.password")) << text;
    EXPECT_EQ(lines()[0]["parameters"]["userName"], "root");
}

TEST_F(Audit, TakesWhatTheLogTells) {
    base::log_info("audit: '{}' uploads {}", "root", "[ds] file");
    base::log_info("nothing of that kind");
    ASSERT_EQ(lines().size(), 1U);
    EXPECT_EQ(lines()[0]["note"], "'root' uploads [ds] file");
}

TEST_F(Audit, RotatesAndForgets) {
    for (int i = 0; i < 200; ++i) audit_.note(std::string(100, 'x') + std::to_string(i));
    EXPECT_LE(std::filesystem::file_size(path_), 4096U);
    const auto numbered = [this](int number) {
        return std::filesystem::exists(path_.string() + "." + std::to_string(number));
    };
    EXPECT_TRUE(numbered(1));
    EXPECT_TRUE(numbered(2));
    EXPECT_FALSE(numbered(3));
    EXPECT_EQ(lines().back()["note"], std::string(100, 'x') + "199");
    EXPECT_EQ(audit_.lost(), 0U);
}

}  // namespace
}  // namespace drover::service
