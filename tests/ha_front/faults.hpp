#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace drover::ha_front {

/// What becomes of a request.
enum class Mode : std::uint8_t {
    ok,
    frozen,  ///< waits until it is thawed, and is then done
    errors,  ///< EIO, not done
    slow,    ///< is done so many milliseconds late
    full,    ///< ENOSPC for whatever needs room
    lossy,   ///< EIO for so many of a hundred requests, not done
};

/// The words above; nothing for any other.
std::optional<Mode> mode_of(std::string_view word);

/// What the requests of one host meet, by the file's path. For any thread.
class Faults {
public:
    /// For the paths that `pattern` (fnmatch, '*' crosses slashes) fits; the last rule that fits
    /// counts. `amount`: milliseconds for slow, percent for lossy. A frozen request looks at the
    /// rules again.
    void add(Mode mode, std::uint32_t amount, std::string pattern);

    /// No rule is left.
    void clear();

    /// A host that is off: requests that wait, and all that come, fail with EIO and are not done.
    void switch_host(bool is_on);

    /// Returns when the request may be done: 0, or the error number it is to be answered with.
    /// Blocks while the path is frozen.
    int admit(const std::string& path);

    /// Whether there is no room for this path.
    bool is_full(const std::string& path);

    /// How many requests wait for a thaw.
    std::size_t waiting();

private:
    struct Rule {
        Mode mode;
        std::uint32_t amount;
        std::string pattern;
    };

    Rule rule_of(const std::string& path) const;

    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::vector<Rule> rules_{};
    std::size_t waiting_ = 0;
    bool is_on_ = true;
    // Which requests are lost does not repeat between runs anyway: their order is the kernel's.
    std::minstd_rand chance_{1};
};

}  // namespace drover::ha_front
