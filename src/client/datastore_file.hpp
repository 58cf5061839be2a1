#pragma once

// The contents of files on datastores, which travel beside the API at /folder.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/connection.hpp"

namespace drover::client {

/// A file of a datastore.
struct DatastoreFile {
    vim::MoRef datastore;
    std::string datastore_name;
    std::string path;  ///< within the datastore: "iso/debian.iso"
};

/// The datacenter that holds an object; nothing if none does. Throws vim::Fault, ConnectionError.
std::optional<vim::MoRef> datacenter_of(Connection& connection, vim::MoRef object);

/// Size in bytes; nothing if there is no such file. Throws vim::Fault and ConnectionError.
std::optional<std::uint64_t> file_size(Connection& connection, const DatastoreFile& file);

/// Hands the file over in pieces. Throws FileNotFound, NoPermission, ConnectionError, and what
/// `sink` throws.
void download(Connection& connection, const DatastoreFile& file,
              std::function<void(std::string_view)> sink);

/// Creates or replaces the file, all of it or nothing. Throws vim::Fault and ConnectionError.
void upload(Connection& connection, const DatastoreFile& file, Upload contents);

}  // namespace drover::client
