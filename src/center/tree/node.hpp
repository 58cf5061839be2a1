#pragma once

// One thing of the tree as the center keeps it, and its stored form. Pure.

#include <optional>
#include <set>
#include <string>

#include "service/pools/resource_pool.hpp"
#include "store/store.hpp"
#include "vim/value.hpp"

namespace drover::center {

/// What a folder holds.
enum class FolderKind : char {
    none = ' ',
    datacenter = 'd',
    machine = 'v',
    host = 'h',
    datastore = 's',
    network = 'n',
};

struct Node {
    vim::MoRef ref;
    std::string name;
    vim::MoRef parent;  ///< unset for the root folder
    /// A part of what is above it, which can't be renamed, moved or destroyed alone: the root
    /// folder, a datacenter's four folders, a root pool.
    bool is_fixed = false;
    FolderKind kind = FolderKind::none;  ///< of folders
    /// configurationEx of a ComputeResource, configuration of a Datacenter.
    vim::Value config;
    std::optional<service::ResourcePool> pool;  ///< of pools; its name, ref and parent unused

    /// Tree nodes right below; not stored.
    std::set<std::string> children;
};

inline constexpr std::string_view kTreeKind = "tree";

store::Record record_of(const Node& node);
/// Throws std::exception if the record is damaged.
Node node_from_record(const store::Record& record);

}  // namespace drover::center
