#include "had/member/etcd_command.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::had {

namespace {

// All of one cluster's beats together are some 80 KB: this many of them are kept, and what was
// used for older ones is used again.
constexpr int kKeptRevisions = 2000;
constexpr std::int64_t kQuotaBytes = 1 << 29;
constexpr int kSnapshotEntries = 10000;
constexpr int kMostRequestBytes = 256 << 10;

std::string url(const std::string& address, std::uint16_t port) {
    const bool is_v6 = address.find(':') != std::string::npos;
    return is_v6 ? fmt::format("https://[{}]:{}", address, port)
                 : fmt::format("https://{}:{}", address, port);
}

}  // namespace

std::optional<EtcdConfig::Member> member_of(const EtcdConfig& config, const std::string& host) {
    const auto found = std::ranges::find(config.members, host, &EtcdConfig::Member::host);
    if (found == config.members.end()) return std::nullopt;
    return *found;
}

std::filesystem::path member_data(const EtcdConfig& config) {
    return config.directory / ("data-" + config.token);
}

std::filesystem::path member_authorities(const EtcdConfig& config) {
    return config.directory / "authorities.pem";
}

std::vector<std::string> etcd_command(const std::filesystem::path& program,
                                      const EtcdConfig& config, const std::string& host) {
    const auto self = member_of(config, host).value();
    std::string all;
    for (const auto& member : config.members) {
        all += fmt::format("{}{}={}", all.empty() ? "" : ",", member.host,
                           url(member.address, config.peer_port));
    }
    const auto certificate = (config.identity / "certificate.pem").string();
    const auto key = (config.identity / "key.pem").string();
    const auto authorities = member_authorities(config).string();
    const auto peers = url(self.address, config.peer_port);
    const auto clients = url(self.address, config.client_port);
    return {program.string(), "--name=" + host, "--data-dir=" + member_data(config).string(),
            "--initial-cluster=" + all, "--initial-cluster-state=new",
            "--initial-cluster-token=" + config.token, "--listen-peer-urls=" + peers,
            "--initial-advertise-peer-urls=" + peers, "--listen-client-urls=" + clients,
            "--advertise-client-urls=" + clients, "--client-cert-auth",
            "--trusted-ca-file=" + authorities, "--cert-file=" + certificate, "--key-file=" + key,
            "--peer-client-cert-auth", "--peer-trusted-ca-file=" + authorities,
            "--peer-cert-file=" + certificate, "--peer-key-file=" + key,
            // Only hosts of the cluster get so far, and otherwise names might be resolved for it.
            "--experimental-peer-skip-client-san-verification", "--heartbeat-interval=50",
            "--election-timeout=500", "--pre-vote=true", "--auto-compaction-mode=revision",
            fmt::format("--auto-compaction-retention={}", kKeptRevisions),
            fmt::format("--quota-backend-bytes={}", kQuotaBytes),
            fmt::format("--snapshot-count={}", kSnapshotEntries),
            fmt::format("--max-request-bytes={}", kMostRequestBytes), "--max-wals=2",
            "--max-snapshots=2", "--logger=zap", "--log-level=warn", "--log-outputs=stderr"};
}

}  // namespace drover::had
