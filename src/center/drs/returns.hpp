#pragma once

// Machines that had to leave their host for its maintenance, until they may go back. Stored: a host
// may be away for longer than the center runs.

#include <map>
#include <string>
#include <vector>

#include "center/context.hpp"

namespace drover::center {

/// Belongs to the strand.
class Returns {
public:
    explicit Returns(const CenterBasics& context) : context_(context) {}

    task::Awaitable<void> load();
    /// These leave the host. Stored when it comes back.
    task::Awaitable<void> note(vim::MoRef host, std::vector<vim::MoRef> machines);
    task::Awaitable<void> forget(vim::MoRef host);
    /// The ids of machines, by the host's id.
    const std::map<std::string, std::vector<std::string>>& all() const { return all_; }

private:
    const CenterBasics& context_;
    std::map<std::string, std::vector<std::string>> all_;
};

}  // namespace drover::center
