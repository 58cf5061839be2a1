#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.hpp"
#include "base/process.hpp"
#include "center/operations/backup.hpp"
#include "center/operations/diagnostics.hpp"
#include "center/operations/identity.hpp"
#include "store/history.hpp"
#include "store/temporary_directory.hpp"

namespace drover::center {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

base::WallTime some_time() {
    return base::WallTime(std::chrono::seconds(1'780'000'000));
}

// A center's directory, with one record that says whose it is.
class State {
public:
    explicit State(const std::string& owner) {
        config_.state_directory = directory_.path();
        config_.name = owner;
        config_.management_address = "192.0.2.10";
        http::TlsIdentity::load_or_create(directory_.path() / "tls", owner, {"192.0.2.10"});
        store::Record record;
        record.kind = "center";
        record.id = "owner";
        record.value = owner;
        open()->commit_and_wait(store::Batch().put(record));
        store::open_sqlite_history(directory_.path() / "history.db", {});
    }

    std::unique_ptr<store::Store> open() const {
        return store::open_sqlite_store(directory_.path() / "centerd.db");
    }
    std::string owner() const { return open()->get("center", "owner")->value; }
    const Config& config() const { return config_; }
    const fs::path& path() const { return config_.state_directory; }
    std::string thumbprint() const {
        return http::TlsIdentity::load(path() / "tls").thumbprint_sha256();
    }

private:
    store::TemporaryDirectory directory_;
    Config config_;
};

class Backup : public testing::Test {
protected:
    void SetUp() override { write_backup(old_.config(), "uuid-1", some_time(), false, file_); }

    // Unpacks the backup, lets `change` do its work, and packs it again; with or without new sums.
    fs::path altered(const std::function<void(const fs::path&)>& change, bool sum_again) {
        const fs::path top = work_.path() / "drover-center-backup";
        run({"tar", "-xzf", file_.string(), "-C", work_.path().string()});
        change(top);
        if (sum_again) {
            run({"sh", "-c",
                 "cd " + top.string() +
                     " && find . -type f ! -name SHA256SUMS -printf '%P\\n' | xargs sha256sum -- "
                     "> SHA256SUMS"});
        }
        const fs::path made = work_.path() / "altered.tgz";
        run({"tar", "-czf", made.string(), "-C", work_.path().string(), "drover-center-backup"});
        return made;
    }

    static void run(const std::vector<std::string>& command) {
        const auto result = base::run_process(command, 60s);
        ASSERT_EQ(result.exit_code, 0) << result.standard_error;
    }

    void expect_refused(const fs::path& backup, const std::string& reason) {
        try {
            stage_restore(backup, fresh_.path());
            ADD_FAILURE() << "was taken";
        } catch (const BackupError& error) {
            EXPECT_TRUE(std::string(error.what()).contains(reason)) << error.what();
        }
        EXPECT_FALSE(fs::exists(fresh_.path() / "restore"));
        take_up_restore(fresh_.path(), some_time());
        EXPECT_EQ(fresh_.owner(), "fresh");
        for (const auto& entry : fs::directory_iterator(fresh_.path())) {
            EXPECT_FALSE(entry.path().filename().native().starts_with(".")) << entry.path();
        }
    }

    State old_{"old"};
    State fresh_{"fresh"};
    store::TemporaryDirectory work_;
    fs::path file_ = work_.path() / "backup.tgz";
};

TEST_F(Backup, IsRestoredAsAWhole) {
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    const BackupFacts facts = stage_restore(file_, fresh_.path());
    EXPECT_EQ(facts.name, "old");
    EXPECT_EQ(facts.instance_uuid, "uuid-1");
    EXPECT_EQ(facts.made, "2026-05-28T20:26:40Z");
    EXPECT_EQ(fresh_.owner(), "fresh") << "not before the next start";
    const std::string former = fresh_.thumbprint();
    take_up_restore(fresh_.path(), some_time());
    EXPECT_EQ(fresh_.owner(), "old");
    EXPECT_EQ(fresh_.thumbprint(), old_.thumbprint());
    const fs::path before = fresh_.path() / "before-restore-20260528-202640";
    EXPECT_TRUE(fs::exists(before / "centerd.db"));
    EXPECT_EQ(http::TlsIdentity::load(before / "tls").thumbprint_sha256(), former);
    // Nothing is left to be done.
    take_up_restore(fresh_.path(), some_time() + 1h);
    EXPECT_EQ(fresh_.owner(), "old");
}

TEST_F(Backup, GivesNoReferenceAgainThatMayHaveBeenGivenSince) {
    store::Record numbers;
    numbers.kind = "center";
    numbers.id = "numbers";
    numbers.value = "151";
    old_.open()->commit_and_wait(store::Batch().put(numbers));
    write_backup(old_.config(), "uuid-1", some_time(), false, file_);
    stage_restore(file_, fresh_.path());
    take_up_restore(fresh_.path(), some_time());
    EXPECT_EQ(fresh_.open()->get("center", "numbers")->value, "1000151");
    EXPECT_EQ(old_.open()->get("center", "numbers")->value, "151");
}

TEST_F(Backup, GoesOnWhereACrashHasCutItOff) {
    stage_restore(file_, fresh_.path());
    // The database was moved away, and the new one did not come any more.
    fs::rename(fresh_.path() / "centerd.db", fresh_.path() / "elsewhere.db");
    fs::rename(fresh_.path() / "restore" / "history.db", fresh_.path() / "history.db");
    take_up_restore(fresh_.path(), some_time());
    EXPECT_EQ(fresh_.owner(), "old");
    EXPECT_FALSE(fs::exists(fresh_.path() / "restore"));
}

TEST_F(Backup, WhatIsHalfLaidReadyIsNotTakenUp) {
    stage_restore(file_, fresh_.path());
    fs::remove(fresh_.path() / "restore" / "complete");
    take_up_restore(fresh_.path(), some_time());
    EXPECT_EQ(fresh_.owner(), "fresh");
}

TEST_F(Backup, RefusesWhatIsNoBackup) {
    std::ofstream(work_.path() / "text") << "no backup";
    expect_refused(work_.path() / "text", "no backup of a center");
}

TEST_F(Backup, RefusesACutFile) {
    fs::resize_file(file_, fs::file_size(file_) / 2);
    expect_refused(file_, "");
}

TEST_F(Backup, RefusesDamage) {
    expect_refused(altered(
                       [](const fs::path& top) {
                           std::ofstream(top / "tls" / "certificate.pem", std::ios::app) << "x";
                       },
                       false),
                   "damaged");
}

TEST_F(Backup, RefusesFilesWithoutAChecksum) {
    expect_refused(
        altered([](const fs::path& top) { std::ofstream(top / "performance.db") << "x"; }, false),
        "no checksum of 'performance.db'");
}

TEST_F(Backup, RefusesAnotherDatabase) {
    expect_refused(altered(
                       [](const fs::path& top) {
                           std::ofstream(top / "centerd.db", std::ios::trunc)
                               << std::string(9000, 'x');
                       },
                       true),
                   "centerd.db");
}

TEST_F(Backup, RefusesLinks) {
    expect_refused(altered(
                       [](const fs::path& top) {
                           fs::remove(top / "settings.json");
                           fs::create_symlink("/etc/passwd", top / "settings.json");
                       },
                       false),
                   "no plain file");
}

TEST_F(Backup, RefusesWhatANewerDroverMade) {
    expect_refused(altered(
                       [](const fs::path& top) {
                           std::string text = base::read_file(top / "manifest.json", 1 << 20);
                           const auto at = text.find("\"version\": 1");
                           ASSERT_NE(at, std::string::npos);
                           text.replace(at, 12, "\"version\": 2");
                           base::write_file_atomically(top / "manifest.json", text);
                       },
                       true),
                   "upgrade it first");
}

TEST(Identity, IsReplacedAtOnceOrNotAtAll) {
    const State state("center");
    const fs::path tls = state.path() / "tls";
    const auto now = base::SystemClock().wall_now();
    const auto fresh = http::TlsIdentity::generate("other", {"192.0.2.11"});
    const auto former = state.thumbprint();
    const auto stranger = http::TlsIdentity::generate("stranger", {});
    EXPECT_THROW(install_identity(tls, fresh.certificate_pem, stranger.key_pem, now),
                 std::runtime_error);
    EXPECT_THROW(install_identity(tls, "no PEM", fresh.key_pem, now), std::runtime_error);
    EXPECT_THROW(install_identity(tls, fresh.certificate_pem, "no PEM", now), std::runtime_error);
    EXPECT_THROW(install_identity(tls, fresh.certificate_pem, fresh.key_pem, now + 24h * 5000),
                 std::runtime_error);
    EXPECT_EQ(state.thumbprint(), former);
    const auto both = split_pem(fresh.key_pem + "text between\n" + fresh.certificate_pem);
    install_identity(tls, both.certificate_pem, both.key_pem, now);
    EXPECT_EQ(state.thumbprint(), fresh.thumbprint_sha256());
    for (const auto& entry : fs::directory_iterator(state.path())) {
        EXPECT_FALSE(entry.path().filename().native().starts_with("tls.new")) << entry.path();
    }
}

TEST(Diagnostics, KnowsNamesOfBundles) {
    EXPECT_TRUE(Diagnostics::is_bundle_name("drover-support-20260301-120000-0011aabb.tgz"));
    for (const auto* name : {"", "x", "../drover-support-1.tgz", "drover-support-/x.tgz",
                             "drover-support-1.zip", "drover-support-A.tgz"}) {
        EXPECT_FALSE(Diagnostics::is_bundle_name(name)) << name;
    }
}

}  // namespace
}  // namespace drover::center
