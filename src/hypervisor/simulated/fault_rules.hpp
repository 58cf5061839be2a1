#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::simulated {

/// "From now on, of the calls that match, this share takes longer, fails, or both."
struct FaultRule {
    std::string method = "*";    ///< a call's name as in hypervisor.hpp; "*" and "?" as in a shell
    std::string object = "*";    ///< the domain's uuid or its display name, likewise
    double probability = 1;      ///< 0 to 1
    std::uint32_t delay_ms = 0;  ///< before the call fails or goes on
    std::optional<ErrorKind> fault;  ///< none: only the delay
    std::string message;             ///< of the error; empty: a usual one
    std::uint64_t count = 0;         ///< the rule ends after so many hits; 0: never
};

/// Reads a JSON list of rules: {"method": "start", "object": "web-*", "probability": 0.5,
/// "delay_ms": 200, "fault": "no_space", "message": "...", "count": 3}. Every field may be left
/// out. Throws std::runtime_error that names the rule, the field and the reason.
std::vector<FaultRule> parse_fault_rules(std::string_view json);

/// The rules of one simulated engine: those of its start, and those of a file that is read again
/// whenever it changes, so that a test can break an engine while it runs. Thread-safe.
class FaultRules {
public:
    static constexpr std::size_t kMostRules = 1'000;
    static constexpr std::uint64_t kFileLimitBytes = 1 << 20;
    static constexpr std::uint32_t kLongestDelay_ms = 3'600'000;
    /// How often the file is looked at, at most.
    static constexpr std::chrono::milliseconds kLookInterval{50};

    /// `file` may be empty (none) and need not exist. A file that can't be read or has an error
    /// counts as empty, which is logged.
    FaultRules(std::vector<FaultRule> fixed, std::filesystem::path file, std::uint64_t seed);

    /// Waits as the rules that match say, then throws the error of the first of them that has one.
    /// `uuid` and `name` are empty for calls that belong to no domain.
    void apply(std::string_view method, std::string_view uuid, std::string_view name);

private:
    struct Active {
        FaultRule rule;
        std::uint64_t hits = 0;
    };
    struct Verdict {
        std::chrono::milliseconds delay{};
        std::optional<HypervisorError> error;
    };

    Verdict judge(std::string_view method, std::string_view uuid, std::string_view name);
    void look_at_file();

    const std::filesystem::path file_;
    std::mutex mutex_;
    std::vector<Active> fixed_;
    std::vector<Active> from_file_;
    std::filesystem::file_time_type file_time_{};
    std::uintmax_t file_size_ = 0;
    std::chrono::steady_clock::time_point next_look_{};
    std::mt19937_64 dice_;
};

}  // namespace drover::hypervisor::simulated
