#include "center/operations/identity.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <stdio.h>

#include <cerrno>
#include <system_error>

#include "base/file.hpp"
#include "base/random.hpp"
#include "http/certificate.hpp"

namespace drover::center {

namespace fs = std::filesystem;

namespace {

// Both directories are there at every moment: what starts meanwhile finds one or the other pair.
void exchange(const fs::path& one, const fs::path& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) return;
    throw std::system_error(errno, std::generic_category(), other.string());
}

}  // namespace

http::TlsIdentity install_identity(const fs::path& directory, const std::string& certificate_pem,
                                   const std::string& key_pem, base::WallTime now) {
    const http::TlsIdentity identity{certificate_pem, key_pem};
    http::check_replacement(certificate_pem, identity, now);
    const fs::path fresh = directory.string() + ".new-" + base::SystemRandom().hex(8);
    try {
        fs::create_directory(fresh);
        base::write_file_atomically(fresh / "key.pem", key_pem, 0600);
        base::write_file_atomically(fresh / "certificate.pem", certificate_pem, 0644);
        http::TlsIdentity::load(fresh);
        exchange(fresh, directory);
        base::sync_directory(directory.parent_path());
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(fresh, ignored);
        throw;
    }
    std::error_code ignored;
    fs::remove_all(fresh, ignored);  // the former pair
    return identity;
}

http::TlsIdentity split_pem(const std::string& text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    http::TlsIdentity parts;
    for (std::size_t at = text.find(kBegin); at != std::string::npos;) {
        const auto next = text.find(kBegin, at + kBegin.size());
        const std::string_view block = std::string_view(text).substr(at, next - at);
        const std::string_view label = block.substr(0, block.find('\n'));
        if (label.contains("PRIVATE KEY")) {
            parts.key_pem += block;
        } else if (label.contains("CERTIFICATE")) {
            parts.certificate_pem += block;
        }
        at = next;
    }
    return parts;
}

}  // namespace drover::center
