#pragma once

#include <string>

#include "http/tls_identity.hpp"

namespace drover::http {

/// An authority of one's own with the single certificate that it signed. The authority's key is
/// gone once it has signed, so whoever trusts the authority trusts this one certificate.
struct PrivateAuthority {
    std::string authority_pem;
    TlsIdentity leaf;  ///< fit for a server and for a client, ECDSA P-256
};

/// For a leaf with this DNS name (letters, digits, '.', '-'; up to 253). Valid from a day ago for
/// ten years. Throws std::runtime_error.
PrivateAuthority make_private_authority(const std::string& dns_name);

/// The text of exactly one certificate of an authority, as OpenSSL writes it: nothing else of the
/// input survives. Throws std::runtime_error if it is anything else, or longer than 16 KiB.
std::string clean_authority(const std::string& pem);

}  // namespace drover::http
