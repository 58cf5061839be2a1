#pragma once

#include <cstdint>
#include <string>

#include "storage/blobs.hpp"

namespace drover::storage::directory {

/// Throws `cancelled` if the caller asked to stop.
void check_stop(const CopyControl& control, const std::string& path);

/// Reports progress to the caller, at most ten times a second, and always the last value.
class ProgressMeter {
public:
    ProgressMeter(const CopyControl& control, std::uint64_t total_bytes)
        : control_(control), total_bytes_(total_bytes) {}
    void report(std::uint64_t done_bytes);

private:
    const CopyControl& control_;
    std::uint64_t total_bytes_;
    base::SteadyTime last_{};
};

/// Copies the first `size_bytes` of `from` to `to`, data alone: `to` must read as zeroes and have
/// its size already. Shares blocks where the file system can. `path` is for messages.
void copy_data(int from, int to, std::uint64_t size_bytes, const CopyControl& control,
               const std::string& path);

/// Writes zeroes over [from_bytes, to_bytes).
void write_zeroes(int file, std::uint64_t from_bytes, std::uint64_t to_bytes,
                  const CopyControl& control, const std::string& path);

/// Sets space aside for [from_bytes, to_bytes), which reads as zeroes after that; writes zeroes
/// where the file system can't do it (older NFS).
void allocate(int file, std::uint64_t from_bytes, std::uint64_t to_bytes,
              const CopyControl& control, const std::string& path);

/// The next run of data at or after `offset`; begin == end == size if there is none.
struct Run {
    std::uint64_t begin;
    std::uint64_t end;
};
Run next_run(int file, std::uint64_t offset_bytes, std::uint64_t size_bytes,
             const std::string& path);

void set_size(int file, std::uint64_t size_bytes, const std::string& path);

}  // namespace drover::storage::directory
