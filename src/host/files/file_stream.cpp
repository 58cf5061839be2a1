#include "host/files/file_stream.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace drover::host::files {

using storage::StorageError;
using storage::StorageErrorKind;

namespace {

constexpr std::size_t kCopyBytes = 4 << 20;
constexpr std::size_t kHoleBytes = 64 << 10;

// Compares the bytes with themselves, one further: as fast as memory, unlike a loop over bytes.
bool is_zero(std::span<const char> bytes) {
    return bytes.empty() ||
           (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// Writes a piece but for its blocks of zeroes.
void write_with_holes(storage::FileWriter& writer, std::uint64_t offset_bytes,
                      std::span<const char> piece) {
    for (std::size_t at = 0; at < piece.size(); at += kHoleBytes) {
        const auto block = piece.subspan(at, std::min(kHoleBytes, piece.size() - at));
        if (!is_zero(block)) writer.write_at(offset_bytes + at, block);
    }
}

}  // namespace

void stream_file(storage::Datastore& from_store, const storage::DatastorePath& from,
                 storage::Datastore& to_store, const storage::DatastorePath& to,
                 storage::IfExists policy, bool holes, const storage::CopyControl& control) {
    const auto reader = from_store.blobs().open_reader(from);
    const auto writer = to_store.blobs().open_writer(to, policy);
    const std::uint64_t size_bytes = reader->size_bytes();
    std::vector<char> buffer(
        std::min<std::uint64_t>(kCopyBytes, std::max<std::uint64_t>(size_bytes, 1)));
    std::uint64_t done_bytes = 0;
    while (done_bytes < size_bytes) {
        if (control.stop.stop_requested()) {
            throw StorageError(StorageErrorKind::cancelled, to.to_string(), "was cancelled");
        }
        const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), size_bytes - done_bytes);
        const std::size_t got = reader->read_at(done_bytes, std::span(buffer).first(wanted));
        if (got == 0) {
            throw StorageError(StorageErrorKind::io_error, from.to_string(),
                               "became shorter while it was copied");
        }
        const std::span<const char> piece(buffer.data(), got);
        if (holes) {
            write_with_holes(*writer, done_bytes, piece);
        } else {
            writer->write_at(done_bytes, piece);
        }
        done_bytes += got;
        if (control.progress) control.progress(done_bytes, size_bytes);
    }
    // The last byte gives a file that ends in a hole its size.
    if (holes && size_bytes > 0) {
        char last = 0;
        reader->read_at(size_bytes - 1, std::span(&last, 1));
        writer->write_at(size_bytes - 1, std::span(&last, 1));
    }
    writer->commit();
}

}  // namespace drover::host::files
