#include "http/tls_identity.hpp"

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <stdexcept>
#include <thread>

namespace drover::http {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Identity : public testing::Test {
protected:
    Identity() : root_(fs::temp_directory_path() / ("drover-tls-" + base::SystemRandom().hex(8))) {
        fs::create_directory(root_);
    }
    ~Identity() override { fs::remove_all(root_); }

    std::string failure() const {
        try {
            TlsIdentity::load_or_create(directory(), "host", {});
        } catch (const std::exception& error) {
            return error.what();
        }
        return "";
    }
    fs::path directory() const { return root_ / "tls"; }
    const fs::path root_;
};

TEST_F(Identity, IsMadeOnceAndKept) {
    const auto made =
        TlsIdentity::load_or_create(directory(), "esx1.example.org", {"192.0.2.7", "2001:db8::7"});
    const auto again = TlsIdentity::load_or_create(directory(), "other", {});
    EXPECT_EQ(made.certificate_pem, again.certificate_pem);
    EXPECT_EQ(made.key_pem, again.key_pem);
    EXPECT_EQ(made.thumbprint_sha1().size(), 59u);
    EXPECT_EQ(made.thumbprint_sha256().size(), 95u);
    struct stat status{};
    ASSERT_EQ(stat((directory() / "key.pem").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1) << "leftovers";
}

TEST_F(Identity, IsWhatOpensslExpects) {
    const auto made =
        TlsIdentity::load_or_create(directory(), "esx1.example.org", {"192.0.2.7", "2001:db8::7"});
    const auto result = base::run_process(
        {"/usr/bin/openssl", "x509", "-in", (directory() / "certificate.pem").string(), "-noout",
         "-text", "-fingerprint", "-sha1"},
        std::chrono::seconds(10));
    if (result.exit_code != 0) GTEST_SKIP() << "no openssl program";
    const auto& text = result.standard_output;
    EXPECT_THAT(text, HasSubstr("CN = esx1.example.org"));
    EXPECT_THAT(text, HasSubstr("DNS:esx1.example.org, DNS:esx1, DNS:localhost"));
    EXPECT_THAT(text, HasSubstr("IP Address:192.0.2.7"));
    EXPECT_THAT(text, HasSubstr("2001:DB8:0:0:0:0:0:7"));
    EXPECT_THAT(text, HasSubstr("Public-Key: (2048 bit)"));
    EXPECT_THAT(text, HasSubstr(made.thumbprint_sha1()));
}

TEST_F(Identity, NamesTheFileThatIsWrong) {
    TlsIdentity::load_or_create(directory(), "host", {});
    const auto certificate = directory() / "certificate.pem";
    const auto key = directory() / "key.pem";
    const auto good_key = base::read_file(key, 1 << 20);
    const auto good_certificate = base::read_file(certificate, 1 << 20);

    base::write_file_atomically(key, good_key.substr(0, good_key.size() / 2), 0600);
    EXPECT_THAT(failure(), HasSubstr(key.string()));
    base::write_file_atomically(key, TlsIdentity::generate("other", {}).key_pem, 0600);
    EXPECT_THAT(failure(), HasSubstr("does not belong"));
    base::write_file_atomically(key, good_key, 0644);
    EXPECT_THAT(failure(), HasSubstr("open to every user"));
    base::write_file_atomically(key, good_key, 0600);
    EXPECT_EQ(failure(), "");
    base::write_file_atomically(certificate, good_certificate.substr(0, 200), 0644);
    EXPECT_THAT(failure(), HasSubstr(certificate.string()));
    base::write_file_atomically(certificate, "", 0644);
    EXPECT_THAT(failure(), HasSubstr(certificate.string()));
    fs::remove(certificate);
    EXPECT_THAT(failure(), HasSubstr("certificate.pem is missing"));
}

TEST_F(Identity, FillsAnEmptyDirectoryAndRefusesAForeignOne) {
    fs::create_directory(directory());
    EXPECT_EQ(failure(), "");
    const auto other = root_ / "other";
    fs::create_directory(other);
    base::write_file_atomically(other / "notes", "mine", 0644);
    EXPECT_THROW(TlsIdentity::load_or_create(other, "host", {}), std::runtime_error);
    EXPECT_TRUE(fs::exists(other / "notes"));
}

TEST_F(Identity, LoadsAnEllipticCurvePairOfTheAdministrator) {
    fs::create_directory(directory());
    const auto key = (directory() / "key.pem").string();
    const auto result = base::run_process(
        {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=host", "-days", "30", "-keyout",
         key, "-out", (directory() / "certificate.pem").string()},
        std::chrono::seconds(10));
    if (result.exit_code != 0) GTEST_SKIP() << "no openssl program";
    fs::permissions(key, fs::perms(0600));
    EXPECT_EQ(TlsIdentity::load(directory()).thumbprint_sha256().size(), 95u);
}

TEST_F(Identity, SurvivesTwoCreatorsAtOnce) {
    std::vector<std::string> thumbprints(4);
    std::vector<std::thread> threads;
    for (auto& thumbprint : thumbprints)
        threads.emplace_back([&] {
            thumbprint = TlsIdentity::load_or_create(directory(), "host", {}).thumbprint_sha256();
        });
    for (auto& thread : threads) thread.join();
    for (const auto& thumbprint : thumbprints) EXPECT_EQ(thumbprint, thumbprints[0]);
}

TEST_F(Identity, RefusesNamesThatAreNone) {
    for (const auto* name : {"", "a b", "a,DNS:evil", "x\n", "a/b"})
        EXPECT_THROW(TlsIdentity::generate(name, {}), std::runtime_error) << name;
    EXPECT_THROW(TlsIdentity::generate("host", {"300.1.1.1"}), std::runtime_error);
}

}  // namespace
}  // namespace drover::http
