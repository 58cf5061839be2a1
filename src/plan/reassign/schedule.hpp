#pragma once

// Temperatures from hot to cold, and how much of a round each gets.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "plan/reassign/problem.hpp"

namespace drover::plan::reassign {

class Schedule {
public:
    Schedule(double hot, double cold) : step_(std::pow(cold / hot, 1.0 / kBins)) {
        double at = hot;
        for (auto& temperature : temperature_) {
            temperature = at;
            at *= step_;
        }
        weight_.fill(1.0);
    }

    /// From bin `first` on, when part `done` (0 to 1) of the round is over.
    double temperature(std::size_t first, double done) {
        double left = done * std::accumulate(weight_.begin() + static_cast<std::ptrdiff_t>(first),
                                             weight_.end(), 0.0);
        bin_ = first;
        while (bin_ + 1 < kBins && left > weight_[bin_]) left -= weight_[bin_++];
        return temperature_[bin_] * std::pow(step_, std::min(1.0, left / weight_[bin_]));
    }
    /// What the assignment costs now, at the temperature asked for last.
    void note(double cost) { cost_[bin_] = cost; }

    /// By how far the cost fell, relatively, in each bin of the round that is over.
    void learn(double before) {
        std::array<double, kBins> fall{};
        double sum = 0;
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            if (cost_[bin] == 0) cost_[bin] = before;
            fall[bin] = std::max(0.0, std::log((before + 1) / (cost_[bin] + 1)));
            sum += fall[bin];
            before = cost_[bin];
        }
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            const auto near = [&](std::size_t at) { return at < kBins ? fall[at] : 0; };
            const double smooth = 0.5 * near(bin) + 0.25 * (near(bin - 1) + near(bin + 1));
            weight_[bin] = 0.3 / kBins + (sum > 0 ? 0.7 * smooth / sum : 0);
        }
    }
    /// The first bin that ended at no more than `cost`.
    std::size_t bin_of(double cost) const {
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            if (cost_[bin] <= cost) return bin;
        }
        return kBins - 1;
    }

private:
    static constexpr std::size_t kBins = 48;
    double step_;
    std::array<double, kBins> temperature_{};
    std::array<double, kBins> weight_{};
    std::array<double, kBins> cost_{};
    std::size_t bin_ = 0;
};

}  // namespace drover::plan::reassign
