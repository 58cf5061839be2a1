#pragma once

#include <cstdint>

#include "plan/balance/effort.hpp"
#include "plan/reassign/placement.hpp"

namespace drover::plan::reassign {

struct Solution {
    Assignment assignment;
    Cost cost = 0;
};

/// The best that shifts, swaps and ejection chains find from `original` on, by annealing that
/// begins again from the best with noise. Keeps every hard constraint at the end (the challenge
/// moves all at once). One thread; the same for the same seed and iterations.
Solution solve(const Problem& problem, const Assignment& original, std::uint64_t seed,
               const Effort& effort);

}  // namespace drover::plan::reassign
