#include "host/faults.hpp"

#include <gtest/gtest.h>

#include "storage/storage_error.hpp"
#include "vim/types.hpp"

namespace drover::host {
namespace {

using storage::StorageError;
using storage::StorageErrorKind;

TEST(Faults, SayHowLargeAFileMayBe) {
    const auto fault = fault_of(std::make_exception_ptr(
        StorageError::too_large("[ds 1] a/b.vmdk", 3000, 2000, "is too large")));
    const auto large = fault.fault().as<vim::FileTooLarge>();
    ASSERT_TRUE(large);
    EXPECT_EQ(large.file(), "[ds 1] a/b.vmdk");
    EXPECT_EQ(large.datastore(), "ds 1");
    EXPECT_EQ(large.fileSize(), 3000);
    EXPECT_EQ(large.maxFileSize(), 2000);
    // A limit of ours is none of the file's.
    const auto listing = fault_of(std::make_exception_ptr(
        StorageError(StorageErrorKind::file_too_large, "[ds 1] a", "too many files")));
    EXPECT_TRUE(listing.fault().is<vim::CannotAccessFile>());
}

TEST(Faults, TellThatNothingIsThere) {
    for (const auto kind : {StorageErrorKind::not_found, StorageErrorKind::not_a_directory}) {
        const auto fault =
            fault_of(std::make_exception_ptr(StorageError(kind, "[ds] a/b", "no such file")));
        ASSERT_TRUE(fault.fault().is<vim::FileNotFound>());
        EXPECT_EQ(fault.fault().as<vim::FileNotFound>().file(), "[ds] a/b");
    }
}

}  // namespace
}  // namespace drover::host
