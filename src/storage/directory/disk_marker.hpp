#pragma once

// A change of a disk's files that a crash can't leave half done.
//
// The marker ".drover-disk-x.vmdk" exists and is locked while x.vmdk is made or deleted, and lists
// the data files that the change makes or removes. The descriptor is the one point of decision: a
// disk exists if its descriptor does. So whoever finds a marker that nobody has locked any more
// settles it in one way, whatever was under way: no descriptor -> the listed files go; then the
// marker goes.

#include <string>
#include <vector>

#include "storage/directory/root.hpp"

namespace drover::storage::directory {

class DiskMarker {
public:
    /// Locks the disk whose descriptor is `descriptor`, and settles what a crash left. Throws
    /// `locked` if somebody is at work on it. The place must outlive this.
    explicit DiskMarker(const Root::Place& descriptor);
    DiskMarker(const DiskMarker&) = delete;
    DiskMarker& operator=(const DiskMarker&) = delete;
    /// Settles, too; errors are left to the next one who comes.
    ~DiskMarker();

    bool descriptor_exists() const;
    /// Puts these file names (in the same directory) down, durably.
    void note(const std::vector<std::string>& files);
    /// See above; the marker is gone afterwards.
    void settle();

    /// Settles the marker file of this name, unless it is locked or no marker; gives the
    /// descriptor's name if it did.
    static std::string recover(int directory, const std::string& marker, const std::string& path);

private:
    void lock();

    const Root::Place& place_;
    std::string name_;
    base::FileDescriptor file_;
};

}  // namespace drover::storage::directory
