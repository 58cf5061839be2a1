#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace drover::plan {

/// A quick generator for searches (xoshiro256**): repeats for a seed, on every computer alike.
class Dice {
public:
    explicit Dice(std::uint64_t seed) {
        for (auto& word : words_) {
            seed += 0x9e3779b97f4a7c15U;
            std::uint64_t mixed = seed;
            mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
            word = mixed ^ (mixed >> 31);
        }
    }
    std::uint64_t next() {
        const std::uint64_t result = rotate(words_[1] * 5, 7) * 9;
        const std::uint64_t shifted = words_[1] << 17;
        words_[2] ^= words_[0];
        words_[3] ^= words_[1];
        words_[1] ^= words_[2];
        words_[0] ^= words_[3];
        words_[2] ^= shifted;
        words_[3] = rotate(words_[3], 45);
        return result;
    }
    /// Uniform in [0, bound), bound > 0; the bias is below 2^-32.
    std::uint32_t below(std::size_t bound) {
        return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
    }
    /// Uniform in [0, 1).
    double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    /// -ln of a uniform number: what a search at temperature 1 may lose in this step.
    double allowance() {
        static const auto table = [] {
            std::array<double, 4096> made{};
            for (std::size_t at = 0; at < made.size(); ++at) {
                made[at] = -std::log((static_cast<double>(at) + 0.5) / 4096.0);
            }
            return made;
        }();
        return table[next() >> 52];
    }

private:
    static std::uint64_t rotate(std::uint64_t value, int by) {
        return (value << by) | (value >> (64 - by));
    }
    std::array<std::uint64_t, 4> words_{};
};

}  // namespace drover::plan
