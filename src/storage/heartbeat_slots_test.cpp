#include "storage/heartbeat_slots.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

class HeartbeatSlotsTest : public DatastoreTest {
protected:
    HeartbeatSlots& slots() { return datastore_->heartbeat_slots(); }

    static HeartbeatRecord record(std::uint64_t epoch, std::uint64_t sequence) {
        HeartbeatRecord made{.epoch = epoch, .sequence = sequence, .payload = {}};
        made.payload.fill(static_cast<std::uint8_t>(sequence));
        return made;
    }
};

TEST_F(HeartbeatSlotsTest, AreWrittenByOneAndReadByAll) {
    EXPECT_TRUE(slots().list().empty());
    const SlotName name{"host-1", 3};
    const auto writer = slots().create(name);
    EXPECT_EQ(error_of([&] { slots().read(name); }), StorageErrorKind::corrupt);  // unknown
    writer->write(record(3, 1));
    EXPECT_EQ(slots().read(name), record(3, 1));
    writer->write(record(3, 2));
    EXPECT_EQ(slots().read(name), record(3, 2));
    EXPECT_EQ(slots().list(), std::vector{name});
    EXPECT_EQ(error_of([&] { slots().create(name); }), StorageErrorKind::already_exists);
    EXPECT_EQ(error_of([&] { slots().read({"host-1", 4}); }), StorageErrorKind::not_found);
    EXPECT_EQ(error_of([&] { slots().read({"../x", 4}); }), StorageErrorKind::invalid_path);
    slots().remove(name);
    EXPECT_TRUE(slots().list().empty());
}

TEST_F(HeartbeatSlotsTest, AreUnknownWhenDamaged) {
    const SlotName name{"h", 1};
    const auto path = top_ / ".drover/heartbeat/h.1";
    slots().create(name)->write(record(1, 9));
    std::fstream(path, std::ios::in | std::ios::out).seekp(100) << "!";
    EXPECT_EQ(error_of([&] { slots().read(name); }), StorageErrorKind::corrupt);
    std::filesystem::resize_file(path, 511);
    EXPECT_EQ(error_of([&] { slots().read(name); }), StorageErrorKind::corrupt);
    slots().create({"h", 2})->write(record(1, 9));  // says another epoch than its name
    EXPECT_EQ(error_of([&] { slots().read({"h", 2}); }), StorageErrorKind::corrupt);
}

TEST_F(HeartbeatSlotsTest, AreNeverSeenHalfWritten) {
    const SlotName name{"h", 1};
    const auto writer = slots().create(name);
    writer->write(record(1, 0));
    std::atomic<bool> done = false;
    std::jthread reader([&] {
        std::uint64_t last = 0;
        while (!done) {
            const auto seen = slots().read(name);
            EXPECT_GE(seen.sequence, last);
            EXPECT_EQ(seen, record(1, seen.sequence));
            last = seen.sequence;
        }
    });
    for (std::uint64_t i = 1; i <= 200; ++i) writer->write(record(1, i));
    done = true;
}

}  // namespace
}  // namespace drover::storage
