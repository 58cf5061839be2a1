#pragma once

#include <cstdint>

#include "base/file.hpp"

namespace drover::had {

/// Another process, held so that its number can't come to mean a new one.
class Process {
public:
    Process() = default;
    /// `started` 0: whichever has the number now. Else none, if that began at another time.
    explicit Process(std::int32_t pid, std::uint64_t started = 0);

    std::int32_t pid() const { return pid_; }
    std::uint64_t started() const { return started_; }
    /// Not over with all its threads yet: one that waits for its storage in the kernel is alive.
    bool is_alive() const;
    void kill() const;
    /// Readable when it is over.
    int descriptor() const { return handle_.get(); }

private:
    std::int32_t pid_ = 0;
    std::uint64_t started_ = 0;
    base::FileDescriptor handle_;
};

}  // namespace drover::had
