#include "host/migration/migration_identity.hpp"

#include <fmt/format.h>

#include <set>
#include <stdexcept>

#include "base/file.hpp"
#include "base/log.hpp"
#include "http/certificate.hpp"
#include "http/private_authority.hpp"

namespace drover::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t file_limit_bytes = 64 << 10;
constexpr std::chrono::hours renewal{30 * 24};
// QEMU's user reads them by its group.
constexpr unsigned mode = 0640;
constexpr const char* authority_file = "own-authority.pem";
// Written last: the rest is whole if it is there and says our name.
constexpr const char* name_file = "name";

std::string read(const fs::path& path) {
    return base::read_file(path, file_limit_bytes);
}

}  // namespace

MigrationIdentity::MigrationIdentity(fs::path directory, const std::string& host_uuid,
                                     base::WallTime now)
    : directory_(std::move(directory)), name_(host_uuid + ".migrate.drover.internal") {
    if (!fs::is_directory(directory_))
        throw std::runtime_error(fmt::format("there is no directory {}", directory_.string()));
    if (!load(now)) make();
    write_bundle();
}

bool MigrationIdentity::load(base::WallTime now) {
    try {
        if (!fs::exists(directory_ / name_file) || read(directory_ / name_file) != name_)
            return false;
        const http::TlsIdentity leaf{read(directory_ / "server-cert.pem"),
                                     read(directory_ / "server-key.pem")};
        http::check_replacement(leaf.certificate_pem, leaf, now);
        if (http::describe_certificate(leaf.certificate_pem).not_after < now + renewal)
            return false;
        if (read(directory_ / "client-cert.pem") != leaf.certificate_pem ||
            read(directory_ / "client-key.pem") != leaf.key_pem)
            return false;
        authority_ = http::clean_authority(read(directory_ / authority_file));
        return true;
    } catch (const std::exception& error) {
        base::log_warning("the certificate for migrations is made anew: {}", error.what());
        return false;
    }
}

void MigrationIdentity::make() {
    const auto made = http::make_private_authority(name_);
    fs::remove(directory_ / name_file);
    for (const char* role : {"server", "client"}) {
        base::write_file_atomically(directory_ / fmt::format("{}-key.pem", role), made.leaf.key_pem,
                                    mode);
        base::write_file_atomically(directory_ / fmt::format("{}-cert.pem", role),
                                    made.leaf.certificate_pem, mode);
    }
    base::write_file_atomically(directory_ / authority_file, made.authority_pem, mode);
    base::write_file_atomically(directory_ / name_file, name_, mode);
    authority_ = made.authority_pem;
}

void MigrationIdentity::write_bundle() const {
    // Ours as well: QEMU checks its own certificate by the same file.
    std::set<std::string> authorities{authority_};
    std::string bundle = authority_;
    for (const auto& [key, authority] : peers_)
        if (authorities.insert(authority).second) bundle += authority;
    base::write_file_atomically(directory_ / "ca-cert.pem", bundle, mode);
}

void MigrationIdentity::trust(const std::string& key, const std::string& authority_pem) {
    const auto authority = http::clean_authority(authority_pem);
    const std::lock_guard lock(mutex_);
    if (!peers_.contains(key) && peers_.size() >= most_peers)
        throw std::runtime_error("too many migrations at a time");
    peers_[key] = authority;
    write_bundle();
}

void MigrationIdentity::forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (peers_.erase(key) != 0) write_bundle();
}

}  // namespace drover::host
