#include "host/migration/convergence.hpp"

#include <algorithm>

namespace drover::host {

bool Convergence::look(const hypervisor::MigrationProgress& progress) {
    if (said_ || progress.phase != hypervisor::MigrationPhase::copying_memory) return false;
    if (progress.iteration != pass_) {
        least_two_before_ = least_before_;
        least_before_ = least_of_pass_;
        least_of_pass_ = progress.memory_remaining_bytes;
        pass_ = progress.iteration;
    }
    least_of_pass_ = std::min(least_of_pass_, progress.memory_remaining_bytes);
    if (pass_ < kLeastPasses) return false;
    const bool writes_too_fast =
        progress.throughput_bytes_per_s > 0 &&
        static_cast<double>(progress.dirty_bytes_per_s) >=
            kHopeless * static_cast<double>(progress.throughput_bytes_per_s);
    const bool shrinks = least_two_before_ == 0 || least_of_pass_ < least_two_before_;
    bad_looks_ = writes_too_fast || !shrinks ? bad_looks_ + 1 : 0;
    said_ = bad_looks_ >= kBadLooks || pass_ >= kMostPasses;
    return said_;
}

}  // namespace drover::host
