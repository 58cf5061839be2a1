#pragma once

// The connections that `drover login` remembers, in one file that only its owner may read: with the
// session's cookie it is as good as a password.

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace drover::cli {

struct StoredConnection {
    std::string url;
    std::string user;
    std::string thumbprint;  ///< empty: the system's authorities decide
    bool insecure = false;
    std::string cookie;   ///< empty after a logout
    std::string release;  ///< that both ends speak
};

struct StoredConnections {
    std::string current;  ///< used where no name is given
    std::map<std::string, StoredConnection> by_name;
};

/// $XDG_CONFIG_HOME/drover/connections.json, or below ~/.config. Throws std::runtime_error if
/// neither variable is set.
std::filesystem::path connections_file();

/// Nothing stored is an empty result. Throws std::runtime_error that names the file if it can't be
/// read or is no such file.
StoredConnections load_connections(const std::filesystem::path& file);
void save_connections(const std::filesystem::path& file, const StoredConnections& connections);

/// The text of the file, apart from the disk.
StoredConnections parse_connections(std::string_view text);
std::string to_text(const StoredConnections& connections);

}  // namespace drover::cli
