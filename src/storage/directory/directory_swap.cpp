#include "storage/directory/directory_swap.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <vector>

#include "storage/blobs.hpp"
#include "storage/directory/beneath.hpp"
#include "storage/directory/entries.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

std::string generation_name(const std::string& cell, std::uint64_t generation) {
    return fmt::format("{}.{}", cell, generation);
}

// Only the one spelling that generation_name() gives: no zeroes in front, no sign.
std::optional<std::uint64_t> parse_generation(std::string_view name, std::string_view cell) {
    if (name.size() <= cell.size() + 1 || !name.starts_with(cell) || name[cell.size()] != '.') {
        return std::nullopt;
    }
    const std::string_view digits = name.substr(cell.size() + 1);
    std::uint64_t number = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || stop != digits.data() + digits.size() || number == 0 ||
        digits.starts_with('0')) {
        return std::nullopt;
    }
    return number;
}

std::vector<std::uint64_t> generations(const Root::Place& place) {
    std::vector<std::uint64_t> found;
    const auto names = read_names(place.directory.get(), BlobStore::kMaxListed, place.path);
    for (const std::string& name : names) {
        if (const auto generation = parse_generation(name, place.name)) {
            found.push_back(*generation);
        }
    }
    std::ranges::sort(found);
    return found;
}

std::uint64_t newest(const Root::Place& place) {
    const auto found = generations(place);
    return found.empty() ? 0 : found.back();
}

// The newest state. A file that is removed while we look means that others went on: look again.
CellState read_newest(const Root::Place& place) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        const std::uint64_t generation = newest(place);
        if (generation == 0) return {};
        const std::string name = generation_name(place.name, generation);
        const base::FileDescriptor file = open_beneath(place.directory.get(), name, O_RDONLY);
        if (!file && errno == ENOENT) continue;
        const std::string path = generation_name(place.path, generation);
        if (!file) throw StorageError::from_errno(errno, path, "open");
        return {generation, read_all(file.get(), CompareAndSwap::kMaxContentBytes, path)};
    }
    throw StorageError(StorageErrorKind::io_error, place.path, "the cell changes all the time");
}

void remove_old(const Root::Place& place, std::uint64_t generation) {
    if (generation <= DirectorySwap::kKept) return;
    for (const std::uint64_t old : generations(place)) {
        if (old >= generation - DirectorySwap::kKept) break;
        ::unlinkat(place.directory.get(), generation_name(place.name, old).c_str(), 0);
    }
}

}  // namespace

CellState DirectorySwap::read(const DatastorePath& cell) {
    return read_newest(root_.open_parent(cell));
}

SwapResult DirectorySwap::swap(const DatastorePath& cell, std::uint64_t expected,
                               std::string_view content) {
    const auto place = root_.open_parent(cell);
    if (content.size() > kMaxContentBytes) {
        throw StorageError(StorageErrorKind::file_too_large, place.path,
                           "the content is longer than 64 KiB");
    }
    if (!root_.verify().supports_compare_and_swap) {
        throw StorageError(StorageErrorKind::unsupported, place.path,
                           "the datastore has no exclusive link, so no compare-and-swap");
    }
    if (newest(place) != expected || expected == UINT64_MAX) return {false, read_newest(place)};

    const std::uint64_t mine = expected + 1;
    TemporaryFile file(place.directory.get(), content, place.path);
    if (!file.link_as(generation_name(place.name, mine))) return {false, read_newest(place)};
    if (newest(place) != mine) {
        // Ours is an old number that somebody had removed, or was overtaken this very moment.
        return {false, read_newest(place)};
    }
    remove_old(place, mine);
    return {true, {mine, std::string(content)}};
}

void DirectorySwap::remove(const DatastorePath& cell) {
    const auto place = root_.open_parent(cell);
    for (const std::uint64_t generation : generations(place)) {
        const std::string name = generation_name(place.name, generation);
        if (::unlinkat(place.directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
            throw StorageError::from_errno(errno, place.path, "remove");
        }
    }
    sync_entries(place.directory.get(), place.path);
}

}  // namespace drover::storage::directory
