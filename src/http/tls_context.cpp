#include "http/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace drover::http {
namespace {

namespace ssl = boost::asio::ssl;

// Clients that offer HTTP/2 too must learn that we speak 1.1 only.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned int in_length, void*) {
    static constexpr unsigned char http_1_1[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, http_1_1, sizeof http_1_1 - 1, in, in_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// "ab:CD..." to "ABCD..."; empty if there is anything but hex digits and colons.
std::string normalize_thumbprint(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == ':') continue;
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 32);
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'))) return {};
        out += c;
    }
    return out;
}

}  // namespace

std::string openssl_error() {
    std::string text;
    while (const unsigned long code = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(code);
        if (!text.empty()) text += "; ";
        text += reason ? reason : fmt::format("error {:#x}", code);
    }
    return text.empty() ? "unknown TLS error" : text;
}

std::shared_ptr<ssl::context> make_server_context(const TlsIdentity& identity) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* raw = context->native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    boost::system::error_code error;
    if (context->use_certificate_chain(boost::asio::buffer(identity.certificate_pem), error))
        throw std::runtime_error("TLS certificate is unusable: " + error.message());
    if (context->use_private_key(boost::asio::buffer(identity.key_pem), ssl::context::pem, error))
        throw std::runtime_error("TLS key is unusable: " + error.message());
    if (SSL_CTX_check_private_key(raw) != 1)
        throw std::runtime_error("TLS key does not belong to the certificate: " + openssl_error());
    static constexpr unsigned char session_context[] = "drover";
    SSL_CTX_set_session_id_context(raw, session_context, sizeof session_context - 1);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(raw, 4096);
    SSL_CTX_set_timeout(raw, 4 * 3600);
    SSL_CTX_set_num_tickets(raw, 1);  // each costs a record after every handshake
    SSL_CTX_set_alpn_select_cb(raw, select_protocol, nullptr);
    return context;
}

std::shared_ptr<ssl::context> make_client_context(const Verification& verification) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX* raw = context->native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    // The handshake itself accepts everything; verify_peer judges, and can name the thumbprint.
    context->set_verify_mode(ssl::verify_none);
    if (verification.mode == Verification::Mode::system &&
        SSL_CTX_set_default_verify_paths(raw) != 1)
        throw ClientError(ClientError::Kind::tls,
                          "the system's certificate authorities: " + openssl_error());
    return context;
}

std::string thumbprint(const X509* certificate, bool sha256) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (X509_digest(certificate, sha256 ? EVP_sha256() : EVP_sha1(), digest.data(), &size) != 1)
        throw std::runtime_error("certificate thumbprint: " + openssl_error());
    std::string out;
    for (unsigned int i = 0; i < size; ++i)
        out += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
    return out;
}

void verify_peer(SSL* tls, const Verification& verification, const std::string& host) {
    if (verification.mode == Verification::Mode::insecure) return;
    const X509* certificate = SSL_get0_peer_certificate(tls);
    if (!certificate) throw CertificateError(host + " shows no certificate", {}, {});
    const auto sha1 = thumbprint(certificate, false);
    const auto sha256 = thumbprint(certificate, true);
    if (verification.mode == Verification::Mode::thumbprint) {
        const auto wanted = normalize_thumbprint(verification.thumbprint);
        if (!wanted.empty() &&
            (wanted == normalize_thumbprint(sha1) || wanted == normalize_thumbprint(sha256)))
            return;
        throw CertificateError(
            fmt::format("the certificate of {} has the thumbprint {}, not the expected {}", host,
                        wanted.size() == 64 ? sha256 : sha1, verification.thumbprint),
            sha1, sha256);
    }
    const long result = SSL_get_verify_result(tls);
    if (result == X509_V_OK) return;
    throw CertificateError(
        fmt::format("the certificate of {} is not trusted: {} (SHA-1 thumbprint {})", host,
                    X509_verify_cert_error_string(result), sha1),
        sha1, sha256);
}

std::string serialize_session(SSL_SESSION* session) {
    unsigned char* bytes = nullptr;
    const int size = i2d_SSL_SESSION(session, &bytes);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
    return out;
}

SSL_SESSION* parse_session(const std::string& text) {
    if (text.empty() || text.size() > 64 * 1024) return nullptr;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(text.size()));
    if (!session) ERR_clear_error();
    return session;
}

}  // namespace drover::http
