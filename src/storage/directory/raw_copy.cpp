#include "storage/directory/raw_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "storage/directory/temporary_file.hpp"
#include "storage/storage_error.hpp"

namespace drover::storage::directory {
namespace {

constexpr std::uint64_t kStepBytes = 16 << 20;  // between two looks at the stop token
constexpr std::size_t kBufferBytes = 1 << 20;

bool can_not_share(int error) {
    return error == EXDEV || error == EINVAL || error == EOPNOTSUPP || error == ENOSYS ||
           error == EBADF;
}

class Copier {
public:
    Copier(int from, int to, const std::string& path) : from_(from), to_(to), path_(path) {}

    void copy(std::uint64_t begin, std::uint64_t end) {
        while (begin < end) {
            const std::uint64_t done = shares_ ? in_kernel(begin, end) : by_hand(begin, end);
            if (!shares_ && done == 0) {
                throw StorageError(StorageErrorKind::io_error, path_, "the source became shorter");
            }
            begin += done;
        }
    }

private:
    std::uint64_t in_kernel(std::uint64_t begin, std::uint64_t end) {
        auto in = static_cast<off64_t>(begin);
        auto out = in;
        const ssize_t done = ::copy_file_range(from_, &in, to_, &out, end - begin, 0);
        if (done > 0) return static_cast<std::uint64_t>(done);
        if (done < 0 && errno == EINTR) return 0;
        if (done < 0 && !can_not_share(errno)) {
            throw StorageError::from_errno(errno, path_, "copy");
        }
        shares_ = false;
        return by_hand(begin, end);
    }

    std::uint64_t by_hand(std::uint64_t begin, std::uint64_t end) {
        buffer_.resize(kBufferBytes);
        const auto wanted = std::min<std::uint64_t>(buffer_.size(), end - begin);
        const std::size_t got = read_at(from_, begin, {buffer_.data(), wanted}, path_);
        write_at(to_, begin, {buffer_.data(), got}, path_);
        return got;
    }

    int from_;
    int to_;
    const std::string& path_;
    bool shares_ = true;
    std::vector<char> buffer_;
};

}  // namespace

Run next_run(int file, std::uint64_t offset, std::uint64_t size, const std::string& path) {
    const off_t begin = ::lseek(file, static_cast<off_t>(offset), SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return {size, size};
    if (begin < 0 && errno == EINVAL) return {offset, size};  // no holes on this file system
    if (begin < 0) throw StorageError::from_errno(errno, path, "find data");
    const off_t end = ::lseek(file, begin, SEEK_HOLE);
    if (end < 0) throw StorageError::from_errno(errno, path, "find a hole");
    return {std::min(static_cast<std::uint64_t>(begin), size),
            std::min(static_cast<std::uint64_t>(end), size)};
}

void check_stop(const CopyControl& control, const std::string& path) {
    if (control.stop.stop_requested()) {
        throw StorageError(StorageErrorKind::cancelled, path, "the operation was cancelled");
    }
}

void ProgressMeter::report(std::uint64_t done_bytes) {
    if (!control_.progress) return;
    const auto now = base::SystemClock().steady_now();
    if (done_bytes < total_bytes_ && now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    control_.progress(std::min(done_bytes, total_bytes_), total_bytes_);
}

void copy_data(int from, int to, std::uint64_t size_bytes, const CopyControl& control,
               const std::string& path) {
    ProgressMeter meter(control, size_bytes);
    Copier copier(from, to, path);
    std::uint64_t offset = 0;
    while (offset < size_bytes) {
        const Run run = next_run(from, offset, size_bytes, path);
        for (std::uint64_t at = run.begin; at < run.end; at += kStepBytes) {
            check_stop(control, path);
            copier.copy(at, std::min(at + kStepBytes, run.end));
            meter.report(std::min(at + kStepBytes, run.end));
        }
        offset = std::max(run.end, run.begin);
        check_stop(control, path);
    }
    meter.report(size_bytes);
}

void write_zeroes(int file, std::uint64_t from_bytes, std::uint64_t to_bytes,
                  const CopyControl& control, const std::string& path) {
    const std::vector<char> zeroes(kBufferBytes);
    ProgressMeter meter(control, to_bytes - from_bytes);
    for (std::uint64_t at = from_bytes; at < to_bytes;) {
        check_stop(control, path);
        const auto count = std::min<std::uint64_t>(zeroes.size(), to_bytes - at);
        write_at(file, at, {zeroes.data(), count}, path);
        at += count;
        meter.report(at - from_bytes);
    }
}

void allocate(int file, std::uint64_t from_bytes, std::uint64_t to_bytes,
              const CopyControl& control, const std::string& path) {
    constexpr std::uint64_t kAtOnceBytes = std::uint64_t{1} << 30;
    for (std::uint64_t at = from_bytes; at < to_bytes;) {
        check_stop(control, path);
        const auto count = std::min(kAtOnceBytes, to_bytes - at);
        if (::fallocate(file, 0, static_cast<off_t>(at), static_cast<off_t>(count)) != 0) {
            if (errno == EINTR) continue;
            if (errno != EOPNOTSUPP && errno != ENOSYS) {
                throw StorageError::from_errno(errno, path, "set space aside");
            }
            write_zeroes(file, at, to_bytes, control, path);
            return;
        }
        at += count;
    }
}

void set_size(int file, std::uint64_t size_bytes, const std::string& path) {
    if (size_bytes > INT64_MAX) {
        throw StorageError::too_large(path, size_bytes, INT64_MAX, "the size is out of range");
    }
    if (::ftruncate(file, static_cast<off_t>(size_bytes)) != 0) {
        if (errno == EFBIG) {
            throw StorageError::too_large(path, size_bytes, size_bytes - 1,
                                          "larger than the file system can have");
        }
        throw StorageError::from_errno(errno, path, "set the size");
    }
}

}  // namespace drover::storage::directory
