#pragma once

#include <cstdint>
#include <optional>

#include "hypervisor/migration.hpp"

namespace drover::host {

/// Decides when a migration that copies memory while the guest runs will not come to its end that
/// way, and the guest should go on at the destination with the rest of its memory fetched from
/// there (post-copy).
///
/// The rule. Copying is done in passes: each sends what was written during the one before. It is
/// given up once
///   * at least kLeastPasses passes were begun, so that auto-converge has had its chance, and
///   * in kBadLooks looks in a row the guest wrote at least kHopeless of what the network took
///     (below that the passes shrink by themselves), or the remainder was not smaller than two
///     passes before; or
///   * kMostPasses passes were begun, whatever the figures say.
class Convergence {
public:
    static constexpr std::uint32_t kLeastPasses = 4;
    static constexpr std::uint32_t kMostPasses = 30;
    static constexpr int kBadLooks = 3;
    static constexpr double kHopeless = 0.8;

    /// Call with what the engine says, about twice a second. True: switch now; said once.
    bool look(const hypervisor::MigrationProgress& progress);

private:
    std::uint32_t pass_ = 0;
    std::uint64_t least_of_pass_ = 0;  ///< least remainder seen in this pass
    std::uint64_t least_before_ = 0;   ///< ... in the one before
    std::uint64_t least_two_before_ = 0;
    int bad_looks_ = 0;
    bool said_ = false;
};

}  // namespace drover::host
