#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "center/hosts/hosts.hpp"
#include "center/mirror/host_picture.hpp"
#include "center/mirror/registry.hpp"

namespace drover::center {

/// One host as the mirror follows it. Belongs to the strand.
struct HostMirror {
    explicit HostMirror(Host& its_host);

    /// What waits to be published of an object.
    struct Dirty {
        bool all = false;
        std::vector<model::PropertyIndex> properties;
    };

    void mark(const PictureObject& object, const std::vector<model::PropertyIndex>& properties);
    void mark_all(const PictureObject& object);
    void remember_former(const std::string& host_id, const vim::MoRef& ref);
    bool has_work() const { return !first.empty() || !machines.empty() || !left.empty(); }

    /// "<the host's id>-<host number>": what has no identity beyond its host.
    std::string own_id(std::string_view host_id) const;
    /// A file's place in the words of all hosts that see the datastore: its URL and what follows.
    std::string path_key(std::string_view datastore_path) const;
    Identity identity_of(const PictureObject& machine) const;
    /// Learns the host's own root pool, folders and names of datastores from the picture.
    void learn(const PictureObject& object);

    Host& host;
    vim::MoRef compute_resource;  ///< the center's, as the mirror knows it
    std::string suffix;           ///< "-9"
    HostPicture picture;
    bool has_picture = false;  ///< since the center runs
    bool is_settled = false;   ///< what the store knew was compared with it
    bool connected = false;
    bool is_busy = false;  ///< something of it is being stored and published
    /// Objects that are being read anew, and whether they have left meanwhile.
    std::unordered_map<std::string, bool> fetching;

    std::unordered_map<std::string, Dirty> dirty;  ///< by the host's id
    std::deque<std::string> first;                 ///< to be published before machines
    std::deque<std::string> machines;
    /// Gone, and how long each may be missed before it is really gone.
    std::vector<std::pair<vim::MoRef, std::chrono::milliseconds>> left;

    std::unordered_map<std::string, Machine*> machine_of;  ///< by the host's id
    /// What machines that are gone were called: what is told of their end comes later.
    std::unordered_map<std::string, vim::MoRef> former;
    std::deque<std::string> former_order;
    std::unordered_map<std::string, Shared*> shared_of;
    std::unordered_set<std::string> own;       ///< published under own_id()
    std::unordered_set<std::string> managers;  ///< that configManager names

    std::unordered_map<std::string, std::string> url_of;        ///< datastores by their name
    std::unordered_map<std::string, std::string> datastore_of;  ///< by their browser
    // The host's own references.
    vim::MoRef host_system;
    vim::MoRef own_compute_resource;
    vim::MoRef own_root_pool;
    vim::MoRef own_datacenter;
    vim::MoRef own_vm_folder;
};

}  // namespace drover::center
