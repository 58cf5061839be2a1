#include "cli/connections.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.hpp"

namespace drover::cli {
namespace {

class ConnectionsFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "drover-cli-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::filesystem::path file() const { return directory_ / "drover" / "connections.json"; }

    std::filesystem::path directory_;
};

TEST_F(ConnectionsFile, KeepsWhatWasStoredForItsOwnerAlone) {
    EXPECT_TRUE(load_connections(file()).by_name.empty());
    StoredConnections stored;
    stored.current = "h1";
    stored.by_name["h1"] = {"https://h1/sdk", "root", "AA:BB", true, "c=\"1\"", "8.0.3.0"};
    save_connections(file(), stored);
    struct stat info{};
    ASSERT_EQ(::stat(file().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    ASSERT_EQ(::stat(file().parent_path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0700u);
    const auto loaded = load_connections(file());
    EXPECT_EQ(loaded.current, "h1");
    const auto& login = loaded.by_name.at("h1");
    EXPECT_EQ(login.url, "https://h1/sdk");
    EXPECT_EQ(login.user, "root");
    EXPECT_EQ(login.thumbprint, "AA:BB");
    EXPECT_TRUE(login.insecure);
    EXPECT_EQ(login.cookie, "c=\"1\"");
    EXPECT_EQ(login.release, "8.0.3.0");
}

TEST_F(ConnectionsFile, NamesTheFileThatIsDamaged) {
    std::filesystem::create_directories(file().parent_path());
    for (const char* text :
         {"", "{", "[]", "{\"current\": 1}", "{\"connections\": []}",
          "{\"connections\": {\"a\": 1}}", "{\"connections\": {\"a\": {\"url\": {}}}}"}) {
        base::write_file_atomically(file(), text, 0600);
        try {
            load_connections(file());
            FAIL() << text;
        } catch (const std::runtime_error& error) {
            EXPECT_NE(std::string(error.what()).find(file().string()), std::string::npos) << text;
        }
    }
}

}  // namespace
}  // namespace drover::cli
