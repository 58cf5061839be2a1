#include "host/files/file_tree.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/log.hpp"
#include "host/files/file_stream.hpp"
#include "host/files/in_use.hpp"

namespace drover::host::files {

using storage::CopyControl;
using storage::DatastorePath;
using storage::FileKind;
using storage::IfExists;
using storage::MakeDirectory;
using storage::StorageError;
using storage::StorageErrorKind;

namespace {

DatastorePath below(const DatastorePath& directory, const std::string& name) {
    auto path = directory.child(name);
    if (!path) {
        throw StorageError(StorageErrorKind::invalid_path, directory.to_string(), path.error());
    }
    return *std::move(path);
}

std::optional<FileKind> kind_of(storage::Datastore& store, const DatastorePath& path) {
    try {
        return store.blobs().stat(path).kind;
    } catch (const StorageError& error) {
        if (error.kind() == StorageErrorKind::not_found) return std::nullopt;
        throw;
    }
}

IfExists policy_of(const Transfer& transfer) {
    return transfer.replace ? IfExists::replace : IfExists::fail;
}

void copy_file(const Transfer& all, const DatastorePath& from, const DatastorePath& to,
               const CopyControl& control) {
    if (all.within_one_store()) {
        all.from_store.blobs().copy(from, to, policy_of(all), control);
    } else {
        stream_file(all.from_store, from, all.to_store, to, policy_of(all), true, control);
    }
}

// What a copy has made so far; taken back unless it is kept.
class Undo {
public:
    explicit Undo(storage::Datastore& store) : store_(store) {}
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
        for (auto made = made_.rbegin(); made != made_.rend(); ++made)
            remove(made->first, made->second);
    }

    void made(const DatastorePath& path, bool is_directory) {
        made_.emplace_back(path, is_directory);
    }
    void keep() { made_.clear(); }

private:
    void remove(const DatastorePath& path, bool is_directory) noexcept {
        try {
            if (is_directory) {
                store_.blobs().remove_directory(path);
            } else {
                store_.blobs().remove(path);
            }
        } catch (const std::exception& error) {
            base::log_warning("an unfinished copy is left behind: {}", error.what());
        }
    }

    storage::Datastore& store_;
    std::vector<std::pair<DatastorePath, bool>> made_;
};

// Everything that can be refused is refused before anything is changed.
void check_targets(const Transfer& transfer, const std::vector<TreeItem>& items) {
    for (const TreeItem& item : items) {
        const DatastorePath to = below(transfer.to, item.name);
        const auto there = kind_of(transfer.to_store, to);
        if (!there) continue;
        const bool is_directory = *there == FileKind::directory;
        if (is_directory != item.is_directory || (!is_directory && !transfer.replace)) {
            throw StorageError(StorageErrorKind::already_exists, to.to_string(),
                               is_directory ? "is a directory" : "is there already");
        }
    }
}

void check_ends(const Transfer& transfer, FileKind from, std::optional<FileKind> to) {
    if (from == FileKind::other) {
        throw StorageError(StorageErrorKind::unsupported, transfer.from.to_string(),
                           "is neither a file nor a directory");
    }
    const bool into_itself = covers(transfer.from, transfer.to);
    if (from == FileKind::directory && into_itself && transfer.from != transfer.to) {
        throw StorageError(StorageErrorKind::invalid_path, transfer.to.to_string(),
                           "lies in the directory that goes there");
    }
    const bool both_directories = from == FileKind::directory && to == FileKind::directory;
    const bool replaces = from == FileKind::file && to == FileKind::file && transfer.replace;
    if (transfer.from == transfer.to || (to && !both_directories && !replaces)) {
        throw StorageError(StorageErrorKind::already_exists, transfer.to.to_string(),
                           "is there already");
    }
}

void make_directories(const Transfer& transfer, const std::vector<TreeItem>& items, Undo& undo) {
    const auto make = [&](const DatastorePath& path) {
        if (path.is_root() || exists(transfer.to_store, path)) return;
        transfer.to_store.blobs().make_directory(path, MakeDirectory::if_missing);
        undo.made(path, true);
    };
    make(transfer.to);
    for (const TreeItem& item : items) {
        if (item.is_directory) make(below(transfer.to, item.name));
    }
}

void copy_directory(const Transfer& transfer, const CopyControl& control) {
    const auto items = list_tree(transfer.from_store, transfer.from);
    check_targets(transfer, items);
    std::uint64_t total_bytes = 0;
    for (const TreeItem& item : items) total_bytes += item.size_bytes;
    Undo undo(transfer.to_store);
    make_directories(transfer, items, undo);
    std::uint64_t before_bytes = 0;
    CopyControl part{{}, control.stop};
    if (control.progress) {
        part.progress = [&](std::uint64_t done, std::uint64_t) {
            control.progress(before_bytes + done, total_bytes);
        };
    }
    for (const TreeItem& item : items) {
        if (control.stop.stop_requested()) {
            throw StorageError(StorageErrorKind::cancelled, transfer.to.to_string(),
                               "was cancelled");
        }
        if (item.is_directory) continue;
        const DatastorePath to = below(transfer.to, item.name);
        const bool is_new = !exists(transfer.to_store, to);
        copy_file(transfer, below(transfer.from, item.name), to, part);
        if (is_new) undo.made(to, false);
        before_bytes += item.size_bytes;
    }
    undo.keep();
}

void merge_directory(const Transfer& transfer, const CopyControl& control) {
    const auto items = list_tree(transfer.from_store, transfer.from);
    check_targets(transfer, items);
    Undo undo(transfer.to_store);
    make_directories(transfer, items, undo);
    undo.keep();
    std::uint64_t done = 0;
    for (const TreeItem& item : items) {
        if (control.stop.stop_requested()) {
            throw StorageError(StorageErrorKind::cancelled, transfer.from.to_string(),
                               "was cancelled");
        }
        if (!item.is_directory) {
            transfer.from_store.blobs().rename(below(transfer.from, item.name),
                                               below(transfer.to, item.name), policy_of(transfer));
        }
        if (control.progress) control.progress(++done, items.size());
    }
    transfer.from_store.blobs().remove_tree(transfer.from);
}

}  // namespace

std::vector<TreeItem> list_tree(storage::Datastore& store, const DatastorePath& directory) {
    std::vector<TreeItem> items;
    std::vector<std::string> open{""};
    for (std::size_t at = 0; at < open.size(); ++at) {
        const std::string prefix = open[at];
        const DatastorePath path = prefix.empty() ? directory : below(directory, prefix);
        for (const storage::FileInfo& entry : store.blobs().list(path)) {
            const std::string name = prefix.empty() ? entry.name : prefix + "/" + entry.name;
            if (items.size() >= kMostItems) {
                throw StorageError(StorageErrorKind::file_too_large, directory.to_string(),
                                   fmt::format("has more than {} files in it", kMostItems));
            }
            if (entry.kind == FileKind::other) {
                throw StorageError(
                    StorageErrorKind::unsupported, path.to_string(),
                    fmt::format("'{}' is neither a file nor a directory", entry.name));
            }
            const bool is_directory = entry.kind == FileKind::directory;
            items.push_back({name, is_directory, is_directory ? 0 : entry.size_bytes});
            if (is_directory) open.push_back(name);
        }
    }
    return items;
}

bool exists(storage::Datastore& store, const DatastorePath& path) {
    return kind_of(store, path).has_value();
}

void copy_files(const Transfer& transfer, const CopyControl& control) {
    const FileKind from = transfer.from_store.blobs().stat(transfer.from).kind;
    check_ends(transfer, from, kind_of(transfer.to_store, transfer.to));
    if (from == FileKind::directory) {
        copy_directory(transfer, control);
    } else {
        copy_file(transfer, transfer.from, transfer.to, control);
    }
}

void move_files(const Transfer& transfer, const CopyControl& control) {
    const FileKind from = transfer.from_store.blobs().stat(transfer.from).kind;
    const auto to = kind_of(transfer.to_store, transfer.to);
    check_ends(transfer, from, to);
    if (!transfer.within_one_store()) {
        copy_files(transfer, control);
        remove_files(transfer.from_store, transfer.from);
    } else if (from == FileKind::directory && to) {
        merge_directory(transfer, control);
    } else {
        transfer.from_store.blobs().rename(transfer.from, transfer.to, policy_of(transfer));
    }
}

void remove_files(storage::Datastore& store, const DatastorePath& path) {
    if (store.blobs().stat(path).kind == FileKind::directory) {
        store.blobs().remove_tree(path);
    } else {
        store.blobs().remove(path);
    }
}

}  // namespace drover::host::files
