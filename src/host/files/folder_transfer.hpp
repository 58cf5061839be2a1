#pragma once

// What FolderEndpoint does once it is known who asks for which file.

#include <exception>
#include <memory>
#include <string>

#include "host/files/partial_uploads.hpp"
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
    std::string user;
};

/// A file, the requested range of it, or the listing of a directory. On the connection's strand;
/// the runtime must outlive the response. Throws StorageError.
task::Awaitable<http::Response> send_file(task::Runtime& runtime, FolderRequest asked);

/// Takes the request's body as the file. 201, or 200 if it replaced one. Throws StorageError and
/// http::BodyError; nothing is there then.
///
/// With a Content-Range the body is a part of the file: 202 if more must come, 416 if it does not
/// begin where the last one ended; both say in the header Range what has arrived. The file appears
/// with its last part. "bytes */SIZE" without a body asks what has arrived.
task::Awaitable<http::Response> receive_file(task::Runtime& runtime, FolderRequest asked,
                                             std::shared_ptr<PartialUploads> uploads);

/// The answer for what the functions above (and the checks before them) throw.
http::Response folder_error(std::exception_ptr error);

}  // namespace drover::host::files
