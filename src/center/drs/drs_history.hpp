#pragma once

// The moves that DRS has made in each cluster: the newest, and how many there were. Stored.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "center/context.hpp"

namespace drover::center {

struct DoneMove {
    base::WallTime time{};
    std::string machine;  ///< references' ids
    std::string from;     ///< empty: it was started
    std::string to;
    std::string reason;
};

/// Belongs to the strand.
class DrsHistory {
public:
    static constexpr std::size_t kKept = 100;

    explicit DrsHistory(const CenterBasics& context) : context_(context) {}

    task::Awaitable<void> load();
    task::Awaitable<void> add(vim::MoRef cluster, DoneMove move);
    /// Newest first.
    const std::deque<DoneMove>& of(const vim::MoRef& cluster) const;
    std::int32_t count_of(const vim::MoRef& cluster) const;
    task::Awaitable<void> forget(vim::MoRef cluster);
    std::vector<std::string> clusters() const;

private:
    struct Kept {
        std::deque<DoneMove> moves;
        std::int32_t count = 0;
    };
    const CenterBasics& context_;
    std::map<std::string, Kept> clusters_;
};

}  // namespace drover::center
