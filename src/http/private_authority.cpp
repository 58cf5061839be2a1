#include "http/private_authority.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>

#include "base/random.hpp"
#include "http/openssl_objects.hpp"

namespace drover::http {
namespace {

constexpr std::size_t most_authority_bytes = 16 << 10;
constexpr long ten_years_s = 10L * 365 * 24 * 3600;
constexpr long one_day_s = 24L * 3600;

Key make_key() {
    Key key(EVP_EC_gen("P-256"));
    if (!key) fail("a new key");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        fail(fmt::format("certificate extension {}", OBJ_nid2sn(id)));
}

// Authorities of two hosts, or of one host at two times, must not have one name: who looks for an
// issuer looks by name.
std::string random_name(std::string_view kind) {
    return fmt::format("{} {}", kind, base::SystemRandom().uuid());
}

void set_name(X509_NAME* name, const std::string& common_name) {
    const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
    if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1)
        fail("certificate name");
}

Certificate begin(const std::string& common_name, EVP_PKEY* key) {
    Certificate certificate(X509_new());
    if (!certificate) throw std::bad_alloc();
    X509* raw = certificate.get();
    X509_set_version(raw, X509_VERSION_3);
    std::array<std::uint8_t, 16> bytes{};
    base::SystemRandom().fill(bytes);
    bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);
    const Owned<BIGNUM, BN_free> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
    if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(raw)) == nullptr)
        fail("certificate serial number");
    // A day back: hosts whose clocks differ a little must not refuse a fresh certificate.
    X509_gmtime_adj(X509_getm_notBefore(raw), -one_day_s);
    X509_gmtime_adj(X509_getm_notAfter(raw), ten_years_s);
    set_name(X509_get_subject_name(raw), common_name);
    if (X509_set_pubkey(raw, key) != 1) fail("certificate key");
    return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
    if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1)
        fail("certificate issuer");
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    if (certificate != issuer)
        add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    if (X509_sign(certificate, key, EVP_sha256()) == 0) fail("certificate signature");
}

template <class Write>
std::string to_pem(Write write) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || write(memory.get()) != 1) fail("writing PEM");
    return text_of(memory.get());
}

std::string certificate_pem(X509* certificate) {
    return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

}  // namespace

PrivateAuthority make_private_authority(const std::string& dns_name) {
    const bool plain = !dns_name.empty() && dns_name.size() <= 253 &&
                       dns_name.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789.-") == std::string::npos;
    if (!plain) throw std::runtime_error(fmt::format("'{}' is no host name", dns_name));
    const Key authority_key = make_key();
    const auto authority = begin(random_name("drover"), authority_key.get());
    add_extension(authority.get(), authority.get(), NID_basic_constraints,
                  "critical,CA:TRUE,pathlen:0");
    add_extension(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign");
    sign(authority.get(), authority.get(), authority_key.get());

    const Key key = make_key();
    const auto leaf = begin(random_name("drover host"), key.get());
    add_extension(leaf.get(), authority.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf.get(), authority.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(leaf.get(), authority.get(), NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(leaf.get(), authority.get(), NID_subject_alt_name, "DNS:" + dns_name);
    sign(leaf.get(), authority.get(), authority_key.get());

    PrivateAuthority made;
    made.authority_pem = certificate_pem(authority.get());
    made.leaf.certificate_pem = certificate_pem(leaf.get());
    made.leaf.key_pem = to_pem([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return made;
}

std::string clean_authority(const std::string& pem) {
    if (pem.size() > most_authority_bytes) throw std::runtime_error("the authority is too long");
    const auto memory = memory_of(pem);
    const Certificate certificate(PEM_read_bio_X509(memory.get(), nullptr, no_password, nullptr));
    if (!certificate) fail("the authority is no certificate");
    if (X509_check_ca(certificate.get()) != 1)
        throw std::runtime_error("the certificate is none of an authority");
    const Certificate second(PEM_read_bio_X509(memory.get(), nullptr, no_password, nullptr));
    openssl_error();
    if (second) throw std::runtime_error("more than one certificate");
    return certificate_pem(certificate.get());
}

}  // namespace drover::http
