#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace drover::base {

/// Where randomness comes from; injected, so that simulations repeat by seed.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> bytes) = 0;

    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
    /// 2 * byte_count lower-case hexadecimal digits.
    std::string hex(std::size_t byte_count);
    /// A version-4 UUID in its lower-case form with dashes.
    std::string uuid();
};

/// The kernel's generator (getrandom). Thread-safe. For keys, cookies and ids.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::uint8_t> bytes) override;
};

/// Repeats for a seed. Never for secrets. One thread.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
    void fill(std::span<std::uint8_t> bytes) override;

private:
    std::mt19937_64 engine_;
};

}  // namespace drover::base
