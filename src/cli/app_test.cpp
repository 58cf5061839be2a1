#include "cli/app.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

namespace drover::cli {
namespace {

struct Result {
    int code;
    std::string out;
    std::string error;
};

Result run_with(std::vector<std::string> words) {
    words.insert(words.begin(), "drover");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = run(static_cast<int>(words.size()), arguments.data());
    return {code, ::testing::internal::GetCapturedStdout(),
            ::testing::internal::GetCapturedStderr()};
}

class App : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "drover-cli-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        ::setenv("XDG_CONFIG_HOME", name.c_str(), 1);
        ::unsetenv("DROVER_URL");
    }
    void TearDown() override {
        ::unsetenv("DROVER_URL");
        std::filesystem::remove_all(directory_);
    }
    std::filesystem::path directory_;
};

TEST_F(App, WrongUsageIs2) {
    EXPECT_EQ(run_with({}).code, 2);
    EXPECT_EQ(run_with({"fly"}).code, 2);
    EXPECT_EQ(run_with({"vm"}).code, 2);
    EXPECT_EQ(run_with({"vm", "info"}).code, 2);
    EXPECT_EQ(run_with({"vm", "list", "-o", "yaml"}).code, 2);
    EXPECT_EQ(run_with({"login"}).code, 2);
    EXPECT_EQ(run_with({"login", "http://host1", "-u", "root"}).code, 2);
    EXPECT_EQ(run_with({"vm", "create", "x", "--memory", "lots"}).code, 2);
    EXPECT_EQ(run_with({"vm", "create", "x", "--disk", "10"}).code, 2);
}

TEST_F(App, HelpIs0AndHasExamples) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"--help"},
                                                  {"vm", "create", "--help"},
                                                  {"login", "--help"},
                                                  {"vm", "start", "-h"}}) {
        const auto result = run_with(words);
        EXPECT_EQ(result.code, 0);
        EXPECT_NE(result.out.find("Example"), std::string::npos) << result.out;
    }
    EXPECT_EQ(run_with({"--version"}).code, 0);
}

TEST_F(App, NoLoginIs3AndSaysWhatToDo) {
    const auto result = run_with({"vm", "list"});
    EXPECT_EQ(result.code, 3);
    EXPECT_NE(result.error.find("drover login"), std::string::npos);
}

TEST_F(App, NoServerIs3) {
    // Nobody listens at port 1 of the loopback.
    const auto result = run_with({"login", "127.0.0.1:1", "-u", "root"});
    EXPECT_EQ(result.code, 3);
    EXPECT_NE(result.error.find("127.0.0.1"), std::string::npos);
}

TEST_F(App, GlobalOptionsMayStandBehindTheCommand) {
    const auto result = run_with({"connections", "-o", "json"});
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.out, "[]\n");
}

}  // namespace
}  // namespace drover::cli
