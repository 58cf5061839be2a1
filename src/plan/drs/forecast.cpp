#include "plan/drs/forecast.hpp"

#include <algorithm>
#include <cmath>

namespace drover::plan {

void DemandForecast::add(double demand) {
    samples_.push_back(demand);
    if (samples_.size() > most_) samples_.pop_front();
}

double DemandForecast::value() const {
    if (samples_.empty()) return 0;
    double sum = 0;
    double squares = 0;
    for (const double sample : samples_) {
        sum += sample;
        squares += sample * sample;
    }
    const auto count = static_cast<double>(samples_.size());
    const double mean = sum / count;
    return mean + deviations_ * std::sqrt(std::max(0.0, squares / count - mean * mean));
}

}  // namespace drover::plan
