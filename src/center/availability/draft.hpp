#pragma once

// What the hosts of a cluster are to be told: which hosts and machines there are, and on which
// datastore the hosts watch each other. Pure: from what the center knows to one text.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "center/availability/settings.hpp"
#include "plan/model/snapshot.hpp"

namespace drover::center {

struct DraftHost {
    std::string uuid;
    std::string name;
    double cpu_mhz = 0;
    std::int64_t memory_mb = 0;
    std::vector<std::string> datastores;  ///< their ids; those that it reaches
    std::string address;                  ///< numeric; empty: not known
    std::string certificate;              ///< PEM; empty: not known
    std::vector<std::string> networks{};  ///< their ids
};

/// The etcd of a cluster's hosts: who runs it, and who may speak to it.
struct DraftEtcd {
    std::map<std::string, std::string> members;       ///< host -> its address
    std::map<std::string, std::string> certificates;  ///< of all hosts
    bool operator==(const DraftEtcd&) const = default;
};

struct DraftDatastore {
    std::string id;
    std::string uuid;
    std::string name;
    std::int64_t free_bytes = 0;
};

struct DraftMachine {
    std::string id;
    std::string uuid;
    std::string name;
    std::string vmx;                      ///< "[shared] web/web.vmx"
    std::vector<std::string> datastores;  ///< all that it needs
    std::int32_t vcpus = 1;
    std::int64_t memory_mb = 0;
    std::int64_t cpu_reservation_mhz = 0;
    std::int64_t memory_reservation_mb = 0;
    std::vector<std::string> networks{};  ///< all that it needs
};

struct DraftCluster {
    DasSettings settings;
    double memory_overcommit = 2;
    std::vector<DraftHost> hosts;
    std::vector<DraftDatastore> datastores;
    std::vector<DraftMachine> machines;
    std::vector<plan::Rule> rules{};  ///< of `machines` and `hosts`, by their places
};

struct Draft {
    /// Empty: nothing can be protected, for the reason in `problem`.
    std::string datastore;  ///< its id
    std::string datastore_uuid;
    std::string catalogue;  ///< JSON without its version
    DraftEtcd etcd;         ///< without members: hosts watch each other on the datastore alone
    std::string problem;
    std::map<std::string, std::string> unprotected;  ///< machine -> why
};

/// The largest number of machines that hosts protect together.
inline constexpr std::size_t kMostProtected = 1500;
/// Of the datastores that their machines lie on, besides the one where hosts watch each other.
inline constexpr std::size_t kMostOthers = 32;
/// Of the rules that they are told.
inline constexpr std::size_t kMostRules = 4096;
/// And of the hosts that do.
inline constexpr std::size_t kMostWatching = 64;

/// `present`: the id of the datastore that was chosen before; it stays if it may. So do the members
/// of `etcd`, and what was known of hosts that can't say it now.
Draft make_draft(const DraftCluster& cluster, const std::string& present,
                 const DraftEtcd& etcd = {});

/// The text for the hosts (their option Drover.availability). `token` names the etcd: another one
/// for other members.
std::string option_text(const Draft& draft, std::uint64_t version, const std::string& token);

}  // namespace drover::center
