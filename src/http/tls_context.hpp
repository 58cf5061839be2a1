#pragma once

// OpenSSL settings. Private to this library.

#include "http/client.hpp"
#include "http/tls_identity.hpp"

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

namespace drover::http {

/// TLS 1.2 and later, resumption by ticket and by cache, ALPN "http/1.1". Throws
/// std::runtime_error if certificate and key are unusable.
std::shared_ptr<boost::asio::ssl::context> make_server_context(const TlsIdentity& identity);

/// Certificates are judged after the handshake by verify_peer, also on resumed sessions.
std::shared_ptr<boost::asio::ssl::context> make_client_context(const Verification& verification);

/// "AB:CD:..." of a certificate. `sha256` chooses the digest.
std::string thumbprint(const X509* certificate, bool sha256);

/// Throws CertificateError unless the peer is who `verification` asks for. `tls` must have been
/// set up with SSL_set1_host (system mode).
void verify_peer(SSL* tls, const Verification& verification, const std::string& host);

/// The session as text for a later process, and back; an unreadable one gives nullptr.
std::string serialize_session(SSL_SESSION* session);
SSL_SESSION* parse_session(const std::string& text);

/// The reasons that OpenSSL has queued on this thread, as one line; empties the queue.
std::string openssl_error();

}  // namespace drover::http
