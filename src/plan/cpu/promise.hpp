#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "plan/cpu/evc_mode.hpp"

namespace drover::plan {

/// What a cluster tells each of its hosts: the most that machines may see which are powered on from
/// now on.
struct Promise {
    std::string mode;  ///< of EVC; empty: the baseline follows the hosts
    FeatureSet features;

    friend bool operator==(const Promise&, const Promise&) = default;
};

/// One line, at most a few KiB: "amd-zen|aes,avx".
std::string text_of(const Promise& promise);

/// The reason if it is no such line. The mode need not be known.
std::expected<Promise, std::string> parse_promise(std::string_view text);

/// What a machine has seen, in the same form: "amd|aes,avx".
std::string text_of(const Cpu& cpu);
std::expected<Cpu, std::string> parse_cpu(std::string_view text);

}  // namespace drover::plan
