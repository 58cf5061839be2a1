#pragma once

#include "storage/blobs.hpp"
#include "storage/directory/root.hpp"

namespace drover::storage::directory {

/// Blobs as plain files.
class DirectoryBlobs final : public BlobStore {
public:
    explicit DirectoryBlobs(Root& root) : root_(root) {}

    std::string read(const DatastorePath& path, std::uint64_t size_limit_bytes) override;
    void write(const DatastorePath& path, std::string_view content) override;
    void create_exclusive(const DatastorePath& path, std::string_view content) override;
    void remove(const DatastorePath& path) override;
    void rename(const DatastorePath& from, const DatastorePath& to, IfExists policy) override;
    void copy(const DatastorePath& from, const DatastorePath& to, IfExists policy,
              const CopyControl& control) override;
    void make_directory(const DatastorePath& path, MakeDirectory policy) override;
    void remove_directory(const DatastorePath& path) override;
    void remove_tree(const DatastorePath& path) override;
    std::vector<FileInfo> list(const DatastorePath& directory) override;
    FileInfo stat(const DatastorePath& path) override;
    std::unique_ptr<FileReader> open_reader(const DatastorePath& path) override;
    std::unique_ptr<FileWriter> open_writer(const DatastorePath& path, IfExists policy) override;

private:
    Root& root_;
};

}  // namespace drover::storage::directory
