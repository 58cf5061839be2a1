#include "service/diagnostics/support_bundle.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/process.hpp"
#include "store/temporary_directory.hpp"

namespace drover::service {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class SupportBundleTest : public testing::Test {
protected:
    std::size_t count() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()));
    }
    void touch(const std::string& name, std::chrono::seconds age) const {
        base::write_file_atomically(directory_.path() / name, "x");
        fs::last_write_time(directory_.path() / name, fs::file_time_type::clock::now() - age);
    }

    store::TemporaryDirectory directory_;
};

TEST_F(SupportBundleTest, PacksTextsAndLogs) {
    const store::TemporaryDirectory logs;
    base::write_file_atomically(logs.path() / "hostd.log", "a line\n");
    fs::create_symlink("/etc/passwd", logs.path() / "link.log");
    const auto path = directory_.path() / "bundle.tgz";
    write_bundle(path, {{{"host.txt", "the host"}, {"machines/vm-1.txt", "one"}}, logs.path()});
    EXPECT_EQ(count(), 1u) << "what it was made of is gone";
    const auto listed = base::run_process({"tar", "--list", "--file", path.string()}, 10s);
    EXPECT_EQ(listed.exit_code, 0);
    for (const auto* name :
         {"bundle/host.txt", "bundle/machines/vm-1.txt", "bundle/log/hostd.log"}) {
        EXPECT_NE(listed.standard_output.find(name), std::string::npos) << name;
    }
    EXPECT_EQ(listed.standard_output.find("link.log"), std::string::npos);
}

TEST_F(SupportBundleTest, SaysWhyThereIsNone) {
    EXPECT_THROW(write_bundle("/proc/bundle.tgz", {{{"host.txt", ""}}, "/nowhere"}), BundleError);
}

TEST_F(SupportBundleTest, RemovesWhatIsOldOrTooMuch) {
    touch("a.tgz", 2h);
    touch("b.tgz", 30min);
    touch("c.tgz", 20min);
    touch("d.tgz", 10min);
    touch(".making-x", 1h);
    remove_old_bundles(directory_.path(), 1h, 2);
    EXPECT_EQ(count(), 2u);
    EXPECT_TRUE(fs::exists(directory_.path() / "c.tgz"));
    EXPECT_TRUE(fs::exists(directory_.path() / "d.tgz"));
    remove_old_bundles("/nowhere", 1h, 2);
}

TEST_F(SupportBundleTest, KnowsTheKernel) {
    EXPECT_TRUE(kernel_facts().contains("kernel/meminfo.txt"));
    EXPECT_TRUE(kernel_facts().contains("kernel/net-dev.txt"));
}

}  // namespace
}  // namespace drover::service
