#pragma once

#include <cstddef>
#include <deque>

namespace drover::plan {

/// The demand to plan with, from the samples of late: their mean and some of their spread, so that
/// a peak moves nothing and a load that stays does. One thread.
class DemandForecast {
public:
    explicit DemandForecast(std::size_t samples = 10, double deviations = 0.5)
        : most_(samples), deviations_(deviations) {}

    void add(double demand);
    double value() const;

private:
    std::size_t most_;
    double deviations_;
    std::deque<double> samples_;
};

}  // namespace drover::plan
