#include "http/certificate.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace drover::http {
namespace {

using namespace std::chrono_literals;

const base::WallTime now =
    std::chrono::time_point_cast<base::WallTime::duration>(std::chrono::system_clock::now());

TEST(Certificate, TellsWhoAndWhen) {
    const auto identity = TlsIdentity::generate("host1.example.org", {"192.0.2.1"});
    const auto facts = describe_certificate(identity.certificate_pem);
    EXPECT_EQ(facts.subject, "CN=host1.example.org,O=drover");
    EXPECT_EQ(facts.issuer, facts.subject);
    EXPECT_LT(facts.not_before, now);
    EXPECT_GT(facts.not_after, now + 24h * 365);
    EXPECT_THROW(describe_certificate("-----BEGIN CERTIFICATE-----\nx\n"), std::runtime_error);
}

TEST(Certificate, ReadsNames) {
    const auto parts = parse_distinguished_name("CN=host1, O=Example");
    ASSERT_TRUE(parts);
    EXPECT_EQ((*parts)[1].type, "O");
    EXPECT_EQ((*parts)[1].value, "Example");
    for (const char* text : {"", "CN", "CN=", "O=Example", "CN=a,", "XX=a,CN=b"}) {
        EXPECT_FALSE(parse_distinguished_name(text)) << text;
    }
}

TEST(Certificate, MakesRequests) {
    const auto identity = TlsIdentity::generate("host1", {});
    const auto request = make_signing_request(identity.key_pem, {{"CN", "host1"}}, {"host1"}, {});
    EXPECT_TRUE(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    EXPECT_THROW(make_signing_request(identity.key_pem, {{"CN", "a"}}, {"a,DNS:evil"}, {}),
                 std::runtime_error);
    EXPECT_THROW(make_signing_request(identity.key_pem, {{"CN", "a"}}, {}, {"1.2.3"}),
                 std::runtime_error);
}

TEST(Certificate, ReplacesOnlyWithOneForTheSameKey) {
    const auto identity = TlsIdentity::generate("host1", {});
    const auto other = TlsIdentity::generate("host1", {});
    EXPECT_NO_THROW(check_replacement(identity.certificate_pem, identity, now));
    EXPECT_THROW(check_replacement(other.certificate_pem, identity, now), std::runtime_error);
    EXPECT_THROW(check_replacement(identity.certificate_pem, identity, now + 24h * 365 * 11),
                 std::runtime_error);
    EXPECT_THROW(check_replacement(identity.certificate_pem, identity, now - 24h * 365),
                 std::runtime_error);
    EXPECT_THROW(check_replacement("nonsense", identity, now), std::runtime_error);
}

}  // namespace
}  // namespace drover::http
