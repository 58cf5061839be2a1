#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace drover::host {

/// What this host's QEMUs show each other when memory goes from host to host, and whom they
/// believe: a directory as QEMU's tls-creds-x509 wants it.
///
///     server-cert.pem, server-key.pem, client-cert.pem, client-key.pem   this host's certificate
///     ca-cert.pem                                                        our authority and peers'
///
/// Each host has an authority of its own, which has signed one certificate and can sign no other.
/// Hosts tell each other their authority over the API for one migration, and forget it afterwards:
/// so nobody needs an authority over all hosts. QEMU reads the files at the start of each
/// migration.
///
/// Thread-safe. The calls write small files.
class MigrationIdentity {
public:
    static constexpr std::size_t most_peers = 15;

    /// The directory must exist (setup makes it, for libvirtd does not start without it) and belong
    /// to a group in which QEMU's user is. Makes what is missing, belongs to another uuid or will
    /// expire within 30 days; peers of an earlier life are forgotten. Throws std::runtime_error or
    /// std::system_error.
    MigrationIdentity(std::filesystem::path directory, const std::string& host_uuid,
                      base::WallTime now);

    /// This host's authority (PEM), for its peers.
    const std::string& authority() const { return authority_; }
    /// The name in this host's certificate: MigrationSpec::tls_name at its peers.
    const std::string& name() const { return name_; }

    /// Believes the peer of this authority from now on. `key` names the migration; again with the
    /// same key replaces. Throws std::runtime_error if the text is no authority's certificate or
    /// there are too many.
    void trust(const std::string& key, const std::string& authority_pem);
    void forget(const std::string& key);

private:
    bool load(base::WallTime now);
    void make();
    void write_bundle() const;

    const std::filesystem::path directory_;
    const std::string name_;
    std::string authority_;
    std::mutex mutex_;
    std::map<std::string, std::string> peers_;
};

}  // namespace drover::host
