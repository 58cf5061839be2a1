#include "http/tls_identity.hpp"

#include "base/file.hpp"
#include "base/random.hpp"
#include "http/openssl_objects.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <boost/asio/ip/address.hpp>
#include <stdexcept>
#include <system_error>

namespace drover::http {
namespace {

namespace fs = std::filesystem;

constexpr const char* certificate_name = "certificate.pem";
constexpr const char* key_name = "key.pem";
constexpr std::uint64_t file_limit_bytes = 1 << 20;
constexpr long ten_years_s = 10L * 365 * 24 * 3600;
constexpr long one_day_s = 24L * 3600;

Certificate parse_certificate(const std::string& pem) {
    const auto memory = memory_of(pem);
    return Certificate(PEM_read_bio_X509(memory.get(), nullptr, no_password, nullptr));
}

void add_extension(X509* certificate, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        fail(fmt::format("certificate extension {}", OBJ_nid2sn(id)));
}

// Names go into OpenSSL's little configuration language: allow nothing that it could misread.
void check_host_name(std::string_view name) {
    const bool plain = !name.empty() && name.size() <= 253 &&
                       name.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789.-_") == std::string_view::npos;
    if (!plain) throw std::runtime_error(fmt::format("'{}' is no host name", name));
}

std::string alternative_names(std::string_view host_name,
                              const std::vector<std::string>& addresses) {
    std::string names = fmt::format("DNS:{}", host_name);
    if (const auto dot = host_name.find('.'); dot != std::string_view::npos && dot > 0)
        names += fmt::format(",DNS:{}", host_name.substr(0, dot));
    if (host_name != "localhost") names += ",DNS:localhost";
    names += ",IP:127.0.0.1,IP:::1";
    for (const auto& text : addresses) {
        boost::system::error_code error;
        const auto address = boost::asio::ip::make_address(text, error);
        if (error) throw std::runtime_error(fmt::format("'{}' is no IP address", text));
        const auto plain = address.to_string();
        // A scope (fe80::1%eth0) means nothing to others.
        if (plain != "127.0.0.1" && plain != "::1" && !text.contains('%'))
            names += fmt::format(",IP:{}", plain);
    }
    return names;
}

void set_subject(X509* certificate, std::string_view host_name) {
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto add = [&](const char* field, std::string_view value) {
        if (X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0) != 1)
            fail("certificate subject");
    };
    add("O", "drover");
    // X.509 bounds a common name to 64 characters; clients look at the alternative names anyway.
    add("CN", host_name.substr(0, 64));
    if (X509_set_issuer_name(certificate, name) != 1) fail("certificate issuer");
}

void set_random_serial(X509* certificate) {
    std::array<std::uint8_t, 16> bytes{};
    base::SystemRandom().fill(bytes);
    bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, never zero
    const Owned<BIGNUM, BN_free> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
    if (!number || !BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)))
        fail("certificate serial number");
}

Certificate sign_certificate(EVP_PKEY* key, std::string_view host_name,
                             const std::vector<std::string>& addresses) {
    Certificate certificate(X509_new());
    if (!certificate) throw std::bad_alloc();
    X509* raw = certificate.get();
    X509_set_version(raw, X509_VERSION_3);
    set_random_serial(raw);
    // A day back: hosts whose clocks differ a little must not refuse a fresh certificate.
    X509_gmtime_adj(X509_getm_notBefore(raw), -one_day_s);
    X509_gmtime_adj(X509_getm_notAfter(raw), ten_years_s);
    set_subject(raw, host_name);
    if (X509_set_pubkey(raw, key) != 1) fail("certificate key");
    add_extension(raw, NID_subject_key_identifier, "hash");
    add_extension(raw, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(raw, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign");
    add_extension(raw, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(raw, NID_subject_alt_name, alternative_names(host_name, addresses));
    if (X509_sign(raw, key, EVP_sha256()) == 0) fail("certificate signature");
    return certificate;
}

std::string read_pem(const fs::path& path) {
    if (!fs::exists(path))
        throw std::runtime_error(fmt::format("TLS file {} is missing", path.string()));
    return base::read_file(path, file_limit_bytes);
}

void check_pair(const TlsIdentity& identity, const fs::path& certificate_path,
                const fs::path& key_path) {
    const auto certificate = parse_certificate(identity.certificate_pem);
    if (!certificate)
        throw std::runtime_error(fmt::format("TLS certificate {} is damaged or no PEM: {}",
                                             certificate_path.string(), openssl_error()));
    const auto memory = memory_of(identity.key_pem);
    const Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr));
    if (!key)
        throw std::runtime_error(
            fmt::format("TLS key {} is damaged, encrypted with a password, or no PEM: {}",
                        key_path.string(), openssl_error()));
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        openssl_error();
        throw std::runtime_error(fmt::format("TLS key {} does not belong to the certificate {}",
                                             key_path.string(), certificate_path.string()));
    }
}

// Both files appear together, because their directory is renamed into place as a whole.
void store_atomically(const TlsIdentity& identity, const fs::path& directory) {
    auto name = directory;
    if (!name.has_filename()) name = name.parent_path();
    const auto parent = name.has_parent_path() ? name.parent_path() : fs::path(".");
    fs::create_directories(parent);
    const fs::path fresh = fs::path(name).concat(".new-" + base::SystemRandom().hex(8));
    const auto discard = [&] {
        std::error_code ignored;
        fs::remove_all(fresh, ignored);
    };
    try {
        fs::create_directory(fresh);
        base::write_file_atomically(fresh / key_name, identity.key_pem, 0600);
        base::write_file_atomically(fresh / certificate_name, identity.certificate_pem, 0644);
        std::error_code error;
        fs::permissions(fresh, fs::perms(0755));
        fs::rename(fresh, name, error);
        // Not empty any more: another process was faster, and its pair is the one that counts.
        if (error == std::errc::directory_not_empty || error == std::errc::file_exists)
            discard();
        else if (error)
            throw std::system_error(error, fmt::format("can't create {}", name.string()));
        base::sync_directory(parent);
    } catch (...) {
        discard();
        throw;
    }
}

}  // namespace

TlsIdentity TlsIdentity::generate(std::string_view host_name,
                                  const std::vector<std::string>& addresses) {
    check_host_name(host_name);
    const Key key(EVP_RSA_gen(2048));
    if (!key) fail("RSA key");
    const auto certificate = sign_certificate(key.get(), host_name, addresses);
    const Memory certificate_text(BIO_new(BIO_s_mem()));
    const Memory key_text(BIO_new(BIO_s_secmem()));
    if (!certificate_text || !key_text ||
        PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                 nullptr) != 1)
        fail("writing the certificate");
    return {text_of(certificate_text.get()), text_of(key_text.get())};
}

TlsIdentity TlsIdentity::load(const fs::path& directory) {
    const auto certificate_path = directory / certificate_name;
    const auto key_path = directory / key_name;
    TlsIdentity identity{read_pem(certificate_path), read_pem(key_path)};
    struct stat status{};
    if (stat(key_path.c_str(), &status) == 0 && (status.st_mode & 0007) != 0)
        throw std::runtime_error(
            fmt::format("TLS key {} is open to every user of this machine; chmod it to 0600",
                        key_path.string()));
    check_pair(identity, certificate_path, key_path);
    return identity;
}

TlsIdentity TlsIdentity::load_or_create(const fs::path& directory, std::string_view host_name,
                                        const std::vector<std::string>& addresses) {
    if (!fs::exists(directory) || (fs::is_directory(directory) && fs::is_empty(directory)))
        store_atomically(generate(host_name, addresses), directory);
    return load(directory);
}

std::string TlsIdentity::thumbprint_sha1() const {
    const auto certificate = parse_certificate(certificate_pem);
    if (!certificate) fail("TLS certificate");
    return thumbprint(certificate.get(), false);
}

std::string TlsIdentity::thumbprint_sha256() const {
    const auto certificate = parse_certificate(certificate_pem);
    if (!certificate) fail("TLS certificate");
    return thumbprint(certificate.get(), true);
}

}  // namespace drover::http
