#pragma once

// The certificate that the center shows, replaced by its administrator.

#include <filesystem>
#include <string>

#include "base/clock.hpp"
#include "http/tls_identity.hpp"

namespace drover::center {

/// Puts a certificate (PEM, with the chain that it needs) and its key (PEM, no password) in the
/// place of those in `directory`, both at once or neither, and returns them. Throws
/// std::runtime_error that says what is wrong with them; then nothing has changed. Blocks.
http::TlsIdentity install_identity(const std::filesystem::path& directory,
                                   const std::string& certificate_pem, const std::string& key_pem,
                                   base::WallTime now);

/// The blocks of a PEM text that are certificates, and those that are private keys.
http::TlsIdentity split_pem(const std::string& text);

}  // namespace drover::center
