#pragma once

// What the agent saw, decided and did, told to people: in words for the log, and as lines for the
// host's daemon, which makes events of them. While that one is away they are kept for it.

#include <deque>
#include <string>
#include <string_view>

#include "ha/agent/events.hpp"
#include "had/config.hpp"

namespace drover::had {

/// Belongs to one thread.
class Timeline {
public:
    /// The newest are kept that the host's daemon has not had.
    static constexpr std::size_t kMostKept = 256;

    explicit Timeline(const Names& names) : names_(names) {}

    /// Whom the notes that follow are about.
    void know(const Config& config);

    /// "found host2 over (epoch 5): it is silent on both channels: datastore silent for 4.1 s, ..."
    std::string words_of(const ha::Note& note) const;

    void keep(const ha::Note& note, ha::Time now);
    /// All that is kept, in order, and nothing is any more; each one JSON object (`tell` note).
    std::deque<std::string> take(ha::Time now);

private:
    struct Kept {
        ha::Time when{};
        std::string_view word{};
        std::string why{};
        std::string text{};
        std::string machine{};
    };
    std::string name_of(ha::HostId host) const;

    const Names& names_;
    std::map<std::string, std::string> host_names_;
    std::deque<Kept> kept_;
};

}  // namespace drover::had
