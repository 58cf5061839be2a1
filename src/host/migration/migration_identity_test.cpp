#include "host/migration/migration_identity.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/file.hpp"
#include "http/private_authority.hpp"

namespace drover::host {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* uuid = "56000000-0000-4000-8000-000000000001";

class Identity : public ::testing::Test {
protected:
    Identity() {
        std::string name = "/tmp/drover-identity-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~Identity() override { fs::remove_all(directory_); }
    std::string read(const std::string& file) const {
        return base::read_file(directory_ / file, 1 << 20);
    }

    const base::WallTime now_ = base::SystemClock().wall_now();
    fs::path directory_;
};

TEST_F(Identity, IsMadeOnceAndKept) {
    std::string authority;
    {
        const MigrationIdentity first(directory_, uuid, now_);
        authority = first.authority();
        EXPECT_EQ(first.name(), std::string(uuid) + ".migrate.drover.internal");
        EXPECT_EQ(read("ca-cert.pem"), authority);
        EXPECT_EQ(read("server-cert.pem"), read("client-cert.pem"));
        struct stat status{};
        ASSERT_EQ(::stat((directory_ / "server-key.pem").c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0640U);
    }
    EXPECT_EQ(MigrationIdentity(directory_, uuid, now_).authority(), authority);
    // OpenSSL believes the chain, for both uses.
    for (const char* purpose : {"sslserver", "sslclient"}) {
        const auto command = "openssl verify -purpose " + std::string(purpose) + " -CAfile " +
                             (directory_ / "ca-cert.pem").string() + " -verify_hostname " + uuid +
                             ".migrate.drover.internal " +
                             (directory_ / "server-cert.pem").string() + " > /dev/null 2>&1";
        EXPECT_EQ(std::system(command.c_str()), 0) << purpose;
    }
}

TEST_F(Identity, IsMadeAnewWhenItMustBe) {
    const auto authority = MigrationIdentity(directory_, uuid, now_).authority();
    const auto other = MigrationIdentity(directory_, "another", now_).authority();
    EXPECT_NE(other, authority);
    const auto much_later = now_ + std::chrono::hours(24 * 365 * 10 - 24 * 20);
    const auto later = MigrationIdentity(directory_, "another", much_later).authority();
    EXPECT_NE(later, other);
    fs::remove(directory_ / "client-key.pem");
    EXPECT_NE(MigrationIdentity(directory_, "another", now_).authority(), later);
    EXPECT_THROW(MigrationIdentity(directory_ / "none", uuid, now_), std::runtime_error);
}

TEST_F(Identity, PeersComeAndGo) {
    MigrationIdentity identity(directory_, uuid, now_);
    const auto peer = http::make_private_authority("peer.internal");
    identity.trust("m1", peer.authority_pem + "\n");
    identity.trust("m2", peer.authority_pem);
    EXPECT_EQ(read("ca-cert.pem"), identity.authority() + peer.authority_pem);
    identity.forget("m1");
    EXPECT_THAT(read("ca-cert.pem"), HasSubstr(peer.authority_pem));
    identity.forget("m2");
    identity.forget("m2");
    EXPECT_EQ(read("ca-cert.pem"), identity.authority());

    EXPECT_THROW(identity.trust("x", "no certificate"), std::runtime_error);
    EXPECT_THROW(identity.trust("x", peer.leaf.certificate_pem), std::runtime_error);
    EXPECT_THROW(identity.trust("x", peer.authority_pem + peer.authority_pem), std::runtime_error);
    for (std::size_t i = 0; i < MigrationIdentity::most_peers; ++i)
        identity.trust(std::to_string(i), peer.authority_pem);
    EXPECT_THROW(identity.trust("one more", peer.authority_pem), std::runtime_error);
    identity.trust("0", peer.authority_pem);
    // An earlier life's peers are forgotten.
    EXPECT_EQ(MigrationIdentity(directory_, uuid, now_).authority(), identity.authority());
    EXPECT_EQ(read("ca-cert.pem"), identity.authority());
}

}  // namespace
}  // namespace drover::host
