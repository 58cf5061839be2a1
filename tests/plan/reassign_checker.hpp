#pragma once

#include <string>

#include "plan/reassign/problem.hpp"

namespace drover::plan::judge {

struct Verdict {
    reassign::Cost cost = 0;
    std::string violation;  ///< empty: every hard constraint holds
};

/// From the definition of the problem, with nothing kept from one call to the next.
Verdict check_assignment(const reassign::Problem& problem, const reassign::Assignment& original,
                         const reassign::Assignment& assignment);

}  // namespace drover::plan::judge
