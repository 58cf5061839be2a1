#pragma once

#include "storage/directory/root.hpp"
#include "storage/heartbeat_slots.hpp"

namespace drover::storage::directory {

/// Slots as files ".drover/heartbeat/<host>.<epoch>", written and read past the page cache.
class DirectoryHeartbeats final : public HeartbeatSlots {
public:
    static constexpr std::size_t kMaxSlots = 10'000;

    explicit DirectoryHeartbeats(Root& root) : root_(root) {}

    std::unique_ptr<HeartbeatWriter> create(const SlotName& name) override;
    std::vector<SlotName> list() override;
    HeartbeatRecord read(const SlotName& name) override;
    void remove(const SlotName& name) override;

private:
    base::FileDescriptor open_directory(bool make);

    Root& root_;
};

}  // namespace drover::storage::directory
