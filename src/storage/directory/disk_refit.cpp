// Changing how a disk takes its space, in place.

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "storage/directory/directory_volumes.hpp"
#include "storage/directory/disk_marker.hpp"
#include "storage/directory/raw_copy.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

constexpr std::size_t kBlockBytes = 64 << 10;

// Writes zeroes into the holes alone.
void fill_holes(int file, std::uint64_t size_bytes, const CopyControl& control,
                const std::string& path) {
    ProgressMeter meter(control, size_bytes);
    const CopyControl quiet{{}, control.stop};
    for (std::uint64_t at = 0; at < size_bytes;) {
        const Run run = next_run(file, at, size_bytes, path);
        write_zeroes(file, at, run.begin, quiet, path);
        at = std::max(run.end, run.begin);
        meter.report(at);
    }
}

bool is_zero(const char* bytes, std::size_t size) {
    return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

void punch(int file, std::uint64_t from_bytes, std::uint64_t size_bytes, const std::string& path) {
    if (size_bytes == 0) return;
    if (::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(from_bytes), static_cast<off_t>(size_bytes)) == 0) {
        return;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
        throw StorageError(StorageErrorKind::unsupported, path,
                           "files on this datastore can't give space back");
    }
    throw StorageError::from_errno(errno, path, "give space back");
}

void punch_zeroes(int file, std::uint64_t size_bytes, const CopyControl& control,
                  const std::string& path) {
    ProgressMeter meter(control, size_bytes);
    std::vector<char> block(kBlockBytes);
    for (std::uint64_t at = 0; at < size_bytes;) {
        const Run run = next_run(file, at, size_bytes, path);
        // Whole blocks, as they lie in the file.
        for (at = run.begin / kBlockBytes * kBlockBytes; at < run.end;) {
            check_stop(control, path);
            const auto wanted = std::min<std::uint64_t>(kBlockBytes, size_bytes - at);
            const std::size_t got = read_at(file, at, {block.data(), wanted}, path);
            if (got == 0) break;
            if (is_zero(block.data(), got)) punch(file, at, got, path);
            at += got;
            meter.report(at);
        }
        at = std::max(run.end, at);
        if (run.begin == size_bytes) break;
    }
    meter.report(size_bytes);
}

}  // namespace

DiskDescription DirectoryVolumes::refit_disk(const DatastorePath& path, Refit refit,
                                             const CopyControl& control) {
    const auto place = root_.open_parent(path);
    DiskMarker marker(place);
    const DiskDescription before = describe_disk(path);
    if (before.chain.size() > 1 || before.chain.front().format != vmx::DiskFormat::raw) {
        throw StorageError(StorageErrorKind::unsupported, place.path,
                           "a disk with a parent keeps the space that it takes");
    }
    const auto data = root_.open_file(before.chain.front().data, O_RDWR, nullptr);
    const std::uint64_t size_bytes = before.capacity_bytes;
    if (refit == Refit::shrink) {
        if (before.provisioning != Provisioning::thin) {
            throw StorageError(StorageErrorKind::unsupported, place.path,
                               "only a thin disk can give space back");
        }
        punch_zeroes(data.get(), size_bytes, control, place.path);
        sync_file(data.get(), place.path);
        marker.settle();
        return describe_disk(path);
    }
    set_size(data.get(), size_bytes, place.path);
    if (refit == Refit::zero) {
        write_zeroes(data.get(), 0, size_bytes, control, place.path);
    } else {
        fill_holes(data.get(), size_bytes, control, place.path);
    }
    sync_file(data.get(), place.path);
    vmx::DiskDescriptor descriptor = read_descriptor(path);
    descriptor.set("drover.provisioning", "thick_eager");
    descriptor.set("ddb.thinProvisioned", "0");
    TemporaryFile(place.directory.get(), descriptor.to_string(), place.path).replace(place.name);
    marker.settle();
    return describe_disk(path);
}

}  // namespace drover::storage::directory
