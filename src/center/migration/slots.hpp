#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "task/tasks.hpp"

namespace drover::center {

/// Turns of a limited number for each of several keys (hosts, datastores). Whoever waits for
/// several keys gets all of them at once, so nobody waits for somebody who waits for him. First
/// come, first served, but one whose keys are free may pass one whose keys are not. Belongs to the
/// strand.
class Slots {
public:
    explicit Slots(task::Runtime& runtime, std::size_t limit) : runtime_(runtime), limit_(limit) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;

    /// Gives its keys back when it goes. May outlive the Slots.
    using Turn = std::shared_ptr<void>;

    /// Waits for a turn with each of these keys. A cancelled task gets RequestCanceled.
    task::Awaitable<Turn> take(std::vector<std::string> keys, task::TaskContextPtr task);

    std::size_t used(const std::string& key) const;

private:
    bool is_free(const std::vector<std::string>& keys) const;

    task::Runtime& runtime_;
    std::size_t limit_;
    std::shared_ptr<std::unordered_map<std::string, std::size_t>> used_ =
        std::make_shared<std::unordered_map<std::string, std::size_t>>();
};

}  // namespace drover::center
