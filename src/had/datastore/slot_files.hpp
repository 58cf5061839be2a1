#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/file.hpp"
#include "had/datastore/slot_format.hpp"

namespace drover::had {

/// The slots of all hosts, as files `<host>.epoch.<n>` in one directory of the datastore. Calls
/// block as long as the storage does, and throw std::system_error. Any thread; of one slot one
/// write at a time.
class SlotFiles {
public:
    /// Of each host so many are kept, the newest.
    static constexpr std::size_t kKept = 3;

    SlotFiles(std::filesystem::path directory, Names& names);

    /// Makes the slot's file, whole and on the medium; false if there is one.
    bool create(const ha::Slot& slot);
    /// Past the page cache where the file system can. Throws if the file is gone: a write that
    /// nobody can read is none. The file stays open: on slow storage every request counts.
    void write(const ha::Slot& slot);
    /// The newest slots of each host. What can't be read is there, and says so.
    std::vector<ha::Slot> read_all();

private:
    std::filesystem::path file_of(const ha::Tenure& who) const;
    /// In order.
    std::map<ha::HostId, std::vector<ha::Epoch>> list();
    ha::Slot read(const ha::Tenure& who);
    std::shared_ptr<const base::FileDescriptor> file_to_write(const ha::Tenure& who);
    void close_written();

    std::filesystem::path directory_;
    Names& names_;
    std::mutex mutex_;  ///< of what follows
    ha::Tenure open_for_{};
    std::shared_ptr<const base::FileDescriptor> open_;
};

}  // namespace drover::had
