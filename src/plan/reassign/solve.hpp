#pragma once

#include <cstdint>
#include <functional>

#include "plan/balance/effort.hpp"
#include "plan/reassign/problem.hpp"

namespace drover::plan::reassign {

struct Solution {
    Assignment assignment;
    Cost cost = 0;
};

/// Who works on it. The library starts no threads: a caller that has some runs the pieces on them.
struct Crew {
    unsigned size = 1;
    /// Calls `piece` with 0 to size - 1, at the same time if it can, and returns when all are done.
    std::function<void(const std::function<void(unsigned)>& piece)> run_all{};
};

/// The best that shifts, swaps, replacements and ejection chains find from `original` on, by
/// annealing that begins again from the best. Keeps every hard constraint at the end (the challenge
/// moves all at once). `effort.progress` is asked by all of the crew. The same for the same seed,
/// crew size and iterations (of each).
Solution solve(const Problem& problem, const Assignment& original, std::uint64_t seed,
               const Effort& effort, const Crew& crew = {});

}  // namespace drover::plan::reassign
