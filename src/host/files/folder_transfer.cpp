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
constexpr std::chrono::minutes kSweepInterval{1};

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
        throw StorageError::too_large(
            asked.path.to_string(), bytes,
            std::min(asked.info.max_file_size_bytes, asked.info.capacity_bytes),
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

// Writes the body from this offset on. `wrote` is told how far the file goes, and may end it by an
// exception. Gives the end.
Awaitable<std::uint64_t> write_body(task::Runtime& runtime, const FolderRequest& asked,
                                    PartialUploads::Writer writer, std::uint64_t offset_bytes,
                                    std::function<void(std::uint64_t)> wrote) {
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
            wrote(offset_bytes);
        }
        if (size < kPieceBytes) co_return offset_bytes;
    }
}

Awaitable<void> commit(task::Runtime& runtime, const FolderRequest& asked,
                       PartialUploads::Writer writer) {
    return runtime.blocking(
        asked.queue, [writer = std::move(writer)] { writer->commit(); }, kCommitLimit);
}

Awaitable<PartialUploads::Writer> open_writer(task::Runtime& runtime, const FolderRequest& asked) {
    return runtime.blocking(
        asked.queue,
        [store = asked.store, path = asked.path] {
            // An upload makes the directories on its way; clients make directories by it.
            if (!path.parent().is_root()) {
                store->blobs().make_directory(path.parent(), storage::MakeDirectory::with_parents);
            }
            return PartialUploads::Writer(
                store->blobs().open_writer(path, storage::IfExists::replace));
        },
        kPieceLimit);
}

// Dropping a writer touches the storage, so it happens where that may block.
void drop(task::Runtime& runtime, PartialUploads::Left left) {
    if (!left.writer) return;
    runtime.queues().post(left.queue,
                          [writer = std::move(left.writer)]() mutable { writer.reset(); });
}

// Ends when there is nothing left to wait for.
Awaitable<void> drop_old(task::Runtime& runtime, std::shared_ptr<PartialUploads> uploads) {
    while (!uploads->stop_sweeping_if_empty()) {
        co_await runtime.sleep(kSweepInterval);
        while (auto left = uploads->take_old()) drop(runtime, *std::move(left));
    }
}

Response part_response(int status, std::uint64_t received_bytes, std::string text) {
    Response response = Response::text(status, std::move(text));
    if (received_bytes > 0) {
        response.headers.set("Range", fmt::format("bytes=0-{}", received_bytes - 1));
    }
    // A part that is not wanted is not read either.
    response.close = status == 416;
    return response;
}

// One request that brings a part.
struct Part {
    task::Runtime& runtime;
    FolderRequest asked;
    std::shared_ptr<PartialUploads> uploads;
    ContentRange range;
    PartialUploads::Key key;

    Awaitable<std::optional<PartialUploads::Turn>> turn();
    Awaitable<std::uint64_t> receive(PartialUploads::Turn turn);
    Awaitable<std::uint64_t> receive_or_end(PartialUploads::Turn turn);
};

Awaitable<std::optional<PartialUploads::Turn>> Part::turn() {
    if (range.first_byte > 0) co_return uploads->go_on(key, range.total_bytes, range.first_byte);
    PartialUploads::Left fresh{co_await open_writer(runtime, asked), asked.queue};
    PartialUploads::Left replaced;
    auto mine = uploads->begin(key, range.total_bytes, fresh, replaced);
    drop(runtime, std::move(replaced));
    if (!mine) {
        drop(runtime, std::move(fresh));
        throw http::BodyError(503, "Too many uploads are under way.");
    }
    co_return mine;
}

Awaitable<std::uint64_t> Part::receive(PartialUploads::Turn turn) {
    const std::uint64_t end = range.first_byte + range.size_bytes;
    const std::uint64_t reached = co_await write_body(
        runtime, asked, turn.writer, turn.received_bytes, [&](std::uint64_t received_bytes) {
            if (received_bytes > end) {
                throw http::BodyError(400, "The body is longer than its Content-Range says.");
            }
            if (!uploads->note(key, turn, received_bytes)) {
                throw http::BodyError(409, "Another request goes on with this upload.");
            }
        });
    if (reached < end) {
        throw http::BodyError(400, "The body is shorter than its Content-Range says.");
    }
    co_return reached;
}

// A connection that breaks can come again. Storage that fails would fail again, and what is there
// must not keep the room of a datastore that is full.
Awaitable<std::uint64_t> Part::receive_or_end(PartialUploads::Turn turn) {
    std::optional<StorageError> failure;
    try {
        co_return co_await receive(turn);
    } catch (const StorageError& error) {
        failure = error;
    }
    if (uploads->end(key, turn)) drop(runtime, {turn.writer, asked.queue});
    throw *std::move(failure);
}

Awaitable<Response> receive_part(task::Runtime& runtime, FolderRequest asked,
                                 std::shared_ptr<PartialUploads> uploads) {
    const auto range = parse_content_range(asked.request.header("Content-Range"));
    const auto length = asked.request.body_reader->content_length();
    if (!range || (length && *length != range->size_bytes)) {
        throw http::BodyError(400,
                              "Content-Range: must be 'bytes FIRST-LAST/SIZE' of the body, or "
                              "'bytes */SIZE' without one.");
    }
    check_room(asked, range->total_bytes);
    const PartialUploads::Key key{asked.user, asked.path.to_string()};
    if (range->size_bytes == 0) {
        co_return part_response(202, uploads->received(key, range->total_bytes), "");
    }
    Part part{runtime, std::move(asked), uploads, *range, key};
    const auto turn = co_await part.turn();
    if (!turn) {
        co_return part_response(416, uploads->received(key, range->total_bytes),
                                "The part does not begin where the last one ended.\n");
    }
    if (uploads->start_sweeping()) {
        runtime.spawn("uploads that nobody goes on with", drop_old(runtime, uploads));
    }
    const std::uint64_t reached = co_await part.receive_or_end(*turn);
    if (reached < range->total_bytes) co_return part_response(202, reached, "");
    if (!uploads->end(key, *turn)) {
        throw http::BodyError(409, "Another request goes on with this upload.");
    }
    const auto left = turn->writer;
    std::exception_ptr failure;
    try {
        co_await commit(runtime, part.asked, left);
    } catch (...) {
        failure = std::current_exception();
    }
    drop(runtime, {left, part.asked.queue});
    if (failure) std::rethrow_exception(failure);
    co_return Response::text(part.asked.existed ? 200 : 201, "");
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

Awaitable<Response> receive_file(task::Runtime& runtime, FolderRequest asked,
                                 std::shared_ptr<PartialUploads> uploads) {
    if (!asked.request.header("Content-Range").empty()) {
        co_return co_await receive_part(runtime, std::move(asked), std::move(uploads));
    }
    if (const auto length = asked.request.body_reader->content_length()) check_room(asked, *length);
    PartialUploads::Writer writer = co_await open_writer(runtime, asked);
    std::exception_ptr failure;
    try {
        co_await write_body(runtime, asked, writer, 0, [](std::uint64_t) {});
        co_await commit(runtime, asked, writer);
    } catch (...) {
        failure = std::current_exception();
    }
    drop(runtime, {std::move(writer), asked.queue});
    if (failure) std::rethrow_exception(failure);
    co_return Response::text(asked.existed ? 200 : 201, "");
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
