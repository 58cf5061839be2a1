#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace drover::http {

/// A certificate (with the chain that it needs) and its private key.
struct TlsIdentity {
    std::string certificate_pem;
    std::string key_pem;

    /// Reads `certificate.pem` and `key.pem` (RSA or ECDSA) of a directory. Throws
    /// std::runtime_error that names the file which is missing, cut short, no PEM, readable by
    /// everyone (the key) or does not belong to the other.
    static TlsIdentity load(const std::filesystem::path& directory);

    /// As `load`; but if the directory is missing or empty, first makes a self-signed certificate
    /// for `host_name` and the addresses (numeric), plus localhost: RSA 2048, SHA-256, ten years.
    /// The directory appears at once with both files, or not at all. Safe against a second process
    /// that does the same. Takes up to a second.
    static TlsIdentity load_or_create(const std::filesystem::path& directory,
                                      std::string_view host_name,
                                      const std::vector<std::string>& addresses);

    /// A new self-signed identity that is not stored anywhere.
    static TlsIdentity generate(std::string_view host_name,
                                const std::vector<std::string>& addresses);

    /// Of the first certificate: "AB:CD:..." with 20 or 32 pairs, as the vSphere API writes it.
    std::string thumbprint_sha1() const;
    std::string thumbprint_sha256() const;
};

}  // namespace drover::http
