#pragma once

// Rows of numbers that are added, compared and summed several at a time: the search does little
// else. Rows are padded with zeros, which change neither a sum nor whether something fits.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace drover::plan::reassign {

using CostLanes = double __attribute__((vector_size(16)));
using RoomLanes = std::int32_t __attribute__((vector_size(16)));

struct CostLane {
    CostLanes lanes{};
};
struct RoomLane {
    RoomLanes lanes{};
};

/// As many rows as asked for, of the same number of values, in lanes of as many as a register has.
template <class Lane, class Value>
class Rows {
public:
    static constexpr std::size_t kLanes = sizeof(Lane) / sizeof(Value);

    void resize(std::size_t rows, std::size_t values) {
        // An even number of lanes: sums take two at a time.
        width_ = (values + 2 * kLanes - 1) / (2 * kLanes) * 2;
        if constexpr (kLanes == 4) width_ = (values + kLanes - 1) / kLanes;
        lanes_.resize(rows * width_);
    }
    std::size_t width() const { return width_; }
    Lane* operator[](std::size_t row) { return lanes_.data() + row * width_; }
    const Lane* operator[](std::size_t row) const { return lanes_.data() + row * width_; }
    void add(std::size_t row, std::size_t at, Value value) {
        (*this)[row][at / kLanes].lanes[at % kLanes] += value;
    }

private:
    std::size_t width_ = 0;
    std::vector<Lane> lanes_;
};

using CostRows = Rows<CostLane, double>;
using RoomRows = Rows<RoomLane, std::int32_t>;

/// The sum of what is above zero of `width` lanes that `term` makes.
template <class Term>
double sum_above_zero(std::size_t width, Term term) {
    constexpr CostLanes none{};
    CostLanes even{};
    CostLanes odd{};
    for (std::size_t at = 0; at < width; at += 2) {
        const CostLanes one = term(at);
        const CostLanes two = term(at + 1);
        even += one > none ? one : none;
        odd += two > none ? two : none;
    }
    const CostLanes sum = even + odd;
    return sum[0] + sum[1];
}

/// Whether none of `width` lanes that `left` makes is below zero.
template <class Left>
bool none_below_zero(std::size_t width, Left left) {
    RoomLanes all{};
    for (std::size_t at = 0; at < width; ++at) all |= left(at);
    // The sign of what was put together is set where one of the signs was.
    using Wide = std::int64_t __attribute__((vector_size(16)));
    const auto wide = (Wide)all;
    return ((wide[0] | wide[1]) & std::int64_t(0x8000000080000000ULL)) == 0;
}

}  // namespace drover::plan::reassign
