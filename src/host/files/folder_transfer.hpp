#pragma once

// What FolderEndpoint does once it is known who asks for which file.

#include <exception>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "storage/datastore.hpp"
#include "task/runtime.hpp"

namespace drover::host::files {

/// A request that may be served.
struct FolderRequest {
    http::Request request;
    std::shared_ptr<storage::Datastore> store;
    storage::DatastorePath path;
    std::string queue;  ///< in which the datastore's blocking calls run
    storage::DatastoreInfo info;
    bool existed = false;  ///< for PUT: there was a file of this name
};

/// A file, the requested range of it, or the listing of a directory. On the connection's strand;
/// the runtime must outlive the response. Throws StorageError.
task::Awaitable<http::Response> send_file(task::Runtime& runtime, FolderRequest asked);

/// Takes the request's body as the file. 201, or 200 if it replaced one. Throws StorageError and
/// http::BodyError; nothing is there then.
task::Awaitable<http::Response> receive_file(task::Runtime& runtime, FolderRequest asked);

/// The answer for what the functions above (and the checks before them) throw.
http::Response folder_error(std::exception_ptr error);

}  // namespace drover::host::files
