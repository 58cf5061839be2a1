#include "storage/qcow2_header.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/process.hpp"
#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

// Compares with what QEMU itself writes.
class Qcow2HeaderTest : public testing::Test {
protected:
    std::string made(std::vector<std::string> options) {
        const auto path = directory_.path() / "image";
        std::vector<std::string> command{"qemu-img", "create", "-q", "-f", "qcow2"};
        command.insert(command.end(), options.begin(), options.end());
        command.push_back(path.string());
        command.emplace_back("3M");
        EXPECT_EQ(base::run_process(command, std::chrono::seconds(20)).exit_code, 0);
        return base::read_file(path, 1 << 20);
    }
    TestDirectory directory_;
};

TEST_F(Qcow2HeaderTest, ReadsWhatQemuWrites) {
    for (const char* version : {"compat=0.10", "compat=1.1"}) {
        const auto plain = Qcow2Header::parse(made({"-o", version}));
        ASSERT_TRUE(plain) << plain.error();
        EXPECT_EQ(plain->capacity_bytes, 3u << 20);
        EXPECT_TRUE(plain->backing_file.empty());
        const auto child =
            Qcow2Header::parse(made({"-o", version, "-u", "-b", "../a/b.raw", "-F", "raw"}));
        ASSERT_TRUE(child) << child.error();
        EXPECT_EQ(child->backing_file, "../a/b.raw");
        EXPECT_EQ(child->backing_format, "raw");
    }
    const auto external =
        Qcow2Header::parse(made({"-o", "data_file=" + (directory_.path() / "d").string()}));
    ASSERT_TRUE(external);
    EXPECT_TRUE(external->has_data_file);
}

TEST_F(Qcow2HeaderTest, RefusesDamagedHeads) {
    const auto good = made({"-u", "-b", "b.raw", "-F", "raw"});
    EXPECT_FALSE(Qcow2Header::parse(""));
    EXPECT_FALSE(Qcow2Header::parse("KDMV"));
    EXPECT_FALSE(Qcow2Header::parse(good.substr(0, 80)));
    EXPECT_FALSE(Qcow2Header::parse(good.substr(0, 120)));
    auto bad = good;
    bad[7] = 9;  // version
    EXPECT_FALSE(Qcow2Header::parse(bad));
    bad = good;
    bad[8] = 1;  // where the backing name is
    EXPECT_FALSE(Qcow2Header::parse(bad));
    bad = good;
    bad[16] = 1;  // its length
    EXPECT_FALSE(Qcow2Header::parse(bad));
}

}  // namespace
}  // namespace drover::storage
