#pragma once

// What a host's certificate says, and requests for new ones.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/tls_identity.hpp"

namespace drover::http {

struct CertificateFacts {
    std::string subject;  ///< "CN=host1,O=drover"
    std::string issuer;
    base::WallTime not_before{};
    base::WallTime not_after{};
};

/// Of the first certificate of a PEM text. Throws std::runtime_error if it is none.
CertificateFacts describe_certificate(const std::string& certificate_pem);

/// One part of a distinguished name: {"CN", "host1.example.org"}.
struct NamePart {
    std::string type;
    std::string value;
};

/// Reads "CN=host1,O=Example"; nothing if it is no such name, is longer than 1 KiB or has no CN.
std::optional<std::vector<NamePart>> parse_distinguished_name(std::string_view text);

/// A request (PEM, PKCS #10) for a certificate of this key. Alternative names are those that are
/// given: DNS names and numeric addresses. Throws std::runtime_error that names what it can't take.
std::string make_signing_request(const std::string& key_pem, const std::vector<NamePart>& subject,
                                 const std::vector<std::string>& dns_names,
                                 const std::vector<std::string>& addresses);

/// Throws std::runtime_error with the reason unless the certificates are PEM, the first belongs to
/// the identity's key, and it is valid at `now`.
void check_replacement(const std::string& certificate_pem, const TlsIdentity& identity,
                       base::WallTime now);

/// Replaces certificate.pem of an identity's directory, all or nothing. Throws std::system_error.
void store_certificate(const std::filesystem::path& directory, const std::string& certificate_pem);

}  // namespace drover::http
