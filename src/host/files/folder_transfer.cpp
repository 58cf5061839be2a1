#include "host/files/folder_transfer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/files/folder_listing.hpp"
#include "vim/fault.hpp"

namespace drover::host::files {

using http::Response;
using storage::StorageError;
using storage::StorageErrorKind;
using task::Awaitable;

namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::chrono::seconds kPieceLimit{60};
// The whole upload may have to reach the medium then.
constexpr std::chrono::minutes kCommitLimit{30};

// Files come from machines and people: no browser shall take one for a page of ours.
void forbid_scripts(Response& response) {
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("Content-Security-Policy",
                         "default-src 'none'; style-src 'none'; sandbox");
    response.headers.set("Cache-Control", "no-store");
}

int status_of(const StorageError& error) {
    using enum StorageErrorKind;
    switch (error.kind()) {
        case not_found:
        case not_a_directory:
        case invalid_path:
            return 404;
        case already_exists:
        case is_a_directory:
        case directory_not_empty:
            return 409;
        case no_space:
            return 507;
        case file_too_large:
            return 413;
        case locked:
            return 423;
        case inaccessible:
            return 503;
        case unsupported:
            return 501;
        case corrupt:
        case cancelled:
        case io_error:
            break;
    }
    return 500;
}

int status_of(const vim::Fault& fault) {
    const vim::TypeId type = fault.fault().raw().type();
    if (vim::is_a(type, vim::TypeId::NoPermission)) return 403;
    if (vim::is_a(type, vim::TypeId::FileLocked)) return 423;
    if (vim::is_a(type, vim::TypeId::InvalidDatastore)) return 404;
    return 500;
}

// Reads one file piece by piece, each in the datastore's queue.
class FilePieces {
public:
    FilePieces(task::Runtime& runtime, std::string queue,
               std::shared_ptr<storage::FileReader> reader, std::uint64_t offset_bytes,
               std::uint64_t length_bytes)
        : runtime_(runtime),
          queue_(std::move(queue)),
          reader_(std::move(reader)),
          offset_bytes_(offset_bytes),
          left_bytes_(length_bytes) {}

    Awaitable<std::string> next() {
        const std::size_t wanted = std::min<std::uint64_t>(kPieceBytes, left_bytes_);
        if (wanted == 0) co_return std::string{};
        std::string piece = co_await runtime_.blocking(
            queue_,
            [reader = reader_, offset = offset_bytes_, wanted] {
                std::string bytes(wanted, '\0');
                bytes.resize(reader->read_at(offset, bytes));
                return bytes;
            },
            kPieceLimit);
        // The length was promised; whoever reads must see that it is not kept.
        if (piece.empty()) throw std::runtime_error("a file became shorter while it was sent");
        offset_bytes_ += piece.size();
        left_bytes_ -= piece.size();
        co_return piece;
    }

private:
    task::Runtime& runtime_;
    std::string queue_;
    std::shared_ptr<storage::FileReader> reader_;
    std::uint64_t offset_bytes_;
    std::uint64_t left_bytes_;
};

struct Found {
    std::shared_ptr<storage::FileReader> reader;
    std::vector<storage::FileInfo> entries;  // if it is a directory
    base::WallTime modified;
};

// Another content is another tag, as far as size and time tell.
std::string tag_of(const Found& found) {
    return fmt::format("\"{:x}-{:x}\"", found.reader->size_bytes(),
                       found.modified.time_since_epoch().count());
}

Awaitable<Found> look(task::Runtime& runtime, const FolderRequest& asked) {
    return runtime.blocking(
        asked.queue,
        [store = asked.store, path = asked.path] {
            Found found;
            const bool is_root = path.is_root();
            const auto info = is_root ? storage::FileInfo{} : store->blobs().stat(path);
            if (is_root || info.kind == storage::FileKind::directory) {
                found.entries = store->blobs().list(path);
            } else {
                found.reader = store->blobs().open_reader(path);
                found.modified = info.modified;
            }
            return found;
        },
        kPieceLimit);
}

void check_room(const FolderRequest& asked, std::uint64_t bytes) {
    if (bytes > asked.info.max_file_size_bytes || bytes > asked.info.capacity_bytes) {
        throw StorageError(StorageErrorKind::file_too_large, asked.path.to_string(),
                           "is larger than the datastore");
    }
    if (bytes > asked.info.free_bytes) {
        throw StorageError(StorageErrorKind::no_space, asked.path.to_string(),
                           "the datastore has no room for it");
    }
}

// Fills one piece from the body; shorter only at the body's end.
Awaitable<std::string> read_piece(std::shared_ptr<http::BodyReader> body) {
    std::string piece(kPieceBytes, '\0');
    std::size_t filled = 0;
    while (filled < piece.size()) {
        const std::size_t got = co_await body->read(std::span(piece).subspan(filled));
        if (got == 0) break;
        filled += got;
    }
    piece.resize(filled);
    co_return piece;
}

Awaitable<void> write_body(task::Runtime& runtime, FolderRequest asked,
                           std::shared_ptr<storage::FileWriter> writer) {
    std::uint64_t offset_bytes = 0;
    while (true) {
        std::string piece = co_await read_piece(asked.request.body_reader);
        const std::size_t size = piece.size();
        if (size > 0) {
            check_room(asked, offset_bytes + size);
            co_await runtime.blocking(
                asked.queue,
                [writer, offset_bytes, piece = std::move(piece)] {
                    writer->write_at(offset_bytes, piece);
                },
                kPieceLimit);
            offset_bytes += size;
        }
        if (size < kPieceBytes) break;
    }
    co_await runtime.blocking(asked.queue, [writer] { writer->commit(); }, kCommitLimit);
}

}  // namespace

Awaitable<Response> send_file(task::Runtime& runtime, FolderRequest asked) {
    Found found = co_await look(runtime, asked);
    if (!found.reader) {
        Response page = Response::text(200, list_directory(asked.path, found.entries),
                                       "text/html; charset=utf-8");
        forbid_scripts(page);
        co_return page;
    }
    const std::string tag = tag_of(found);
    if (asked.request.header("If-None-Match") == tag) {
        Response same = Response::text(304, "");
        same.headers.set("ETag", tag);
        co_return same;
    }
    // A part of a file that has changed since is worth nothing: the client gets the whole.
    const auto condition = asked.request.header("If-Range");
    if (!condition.empty() && condition != tag) asked.request.headers.remove("Range");
    // The range is chosen there; only where the bytes come from is different here.
    Response response = http::file_response(asked.request, nullptr, found.reader->size_bytes(),
                                            "application/octet-stream");
    forbid_scripts(response);
    response.headers.set("ETag", tag);
    response.may_compress = false;
    if (const auto* part = std::get_if<http::FileBody>(&response.body)) {
        const auto pieces = std::make_shared<FilePieces>(runtime, asked.queue, found.reader,
                                                         part->offset, part->length);
        const std::uint64_t length = part->length;
        response.body = http::StreamBody{[pieces] { return pieces->next(); }, length};
    }
    co_return response;
}

Awaitable<Response> receive_file(task::Runtime& runtime, FolderRequest asked) {
    if (!asked.request.header("Content-Range").empty()) {
        co_return Response::text(400, "A file can only be sent as a whole.\n");
    }
    if (const auto length = asked.request.body_reader->content_length()) check_room(asked, *length);
    std::shared_ptr<storage::FileWriter> writer = co_await runtime.blocking(
        asked.queue,
        [store = asked.store, path = asked.path] {
            // An upload makes the directories on its way; clients make directories by it.
            if (!path.parent().is_root()) {
                store->blobs().make_directory(path.parent(), storage::MakeDirectory::with_parents);
            }
            return std::shared_ptr<storage::FileWriter>(
                store->blobs().open_writer(path, storage::IfExists::replace));
        },
        kPieceLimit);
    const std::string queue = asked.queue;
    const bool existed = asked.existed;
    std::exception_ptr failure;
    try {
        co_await write_body(runtime, std::move(asked), writer);
    } catch (...) {
        failure = std::current_exception();
    }
    // Dropping the writer touches the storage, so it happens where that may block.
    runtime.queues().post(queue, [writer = std::move(writer)]() mutable { writer.reset(); });
    if (failure) std::rethrow_exception(failure);
    co_return Response::text(existed ? 200 : 201, "");
}

Response folder_error(std::exception_ptr error) {
    int status = 500;
    std::string message;
    try {
        std::rethrow_exception(error);
    } catch (const StorageError& failure) {
        status = status_of(failure);
        message = failure.what();
    } catch (const vim::Fault& fault) {
        status = status_of(fault);
        message = fault.message();
    } catch (const http::BodyError& failure) {
        status = failure.status();
        message = failure.what();
    } catch (const task::BlockingTimeout& failure) {
        status = 504;
        message = failure.what();
    } catch (const std::exception& failure) {
        base::log_error("folder: {}", failure.what());
        message = "An unexpected error occurred.";
    }
    Response response = Response::text(status, message + "\n");
    // What is left of a body is not worth reading.
    response.close = true;
    return response;
}

}  // namespace drover::host::files
