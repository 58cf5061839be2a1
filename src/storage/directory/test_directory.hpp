#pragma once

// For tests: a directory of their own that goes away with them.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "storage/directory/directory_datastore.hpp"

namespace drover::storage {

class TestDirectory {
public:
    TestDirectory()
        : path_(std::filesystem::temp_directory_path() /
                ("drover-storage-" + base::SystemRandom().hex(8))) {
        std::filesystem::create_directory(path_);
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    ~TestDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A datastore [ds] in a directory "ds" of its own.
class DatastoreTest : public testing::Test {
protected:
    DatastoreTest() : top_(directory_.path() / "ds") {
        std::filesystem::create_directory(top_);
        datastore_ = open_directory_datastore("ds", top_);
    }

    static DatastorePath at(const std::string& relative) {
        return DatastorePath::make("ds", relative).value();
    }
    BlobStore& blobs() { return datastore_->blobs(); }
    VolumeStore& volumes() { return datastore_->volumes(); }

    TestDirectory directory_;
    std::filesystem::path top_;
    std::unique_ptr<Datastore> datastore_;
};

/// The kind of error that `operation` fails with; a test failure if it does not.
template <class Operation>
StorageErrorKind error_of(Operation operation) {
    try {
        operation();
    } catch (const StorageError& error) {
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return StorageErrorKind::io_error;
}

}  // namespace drover::storage
