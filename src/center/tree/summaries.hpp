#pragma once

// What compute resources, clusters and pools show of their hosts and machines. Follows the
// inventory's deltas: a change costs what its own compute resource costs, not what all machines
// cost.

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "center/tree/tree_state.hpp"

namespace drover::center {

/// Belongs to the strand.
class Summaries {
public:
    explicit Summaries(TreeState& state) : state_(state) {}
    Summaries(const Summaries&) = delete;
    Summaries& operator=(const Summaries&) = delete;

    /// Takes in what is there and follows it from now on.
    void start();

private:
    struct Machine {
        std::string pool;
        PoolShare share;
    };

    void observe(const model::Delta& delta);
    void note(const model::ManagedObject& object);
    void note_machine(const model::ManagedObject& machine);
    void forget_machine(const std::string& machine);
    void mark(const vim::MoRef& at);
    /// A tree may go while this waits: `self` is empty then.
    static task::Awaitable<void> publish_soon(task::Runtime& runtime,
                                              std::weak_ptr<Summaries*> self);
    void publish();
    void publish_compute(model::Transaction& transaction, const vim::MoRef& compute);
    void publish_pools(model::Transaction& transaction, const vim::MoRef& compute);
    task::Awaitable<void> clean_configurations(std::vector<vim::MoRef> gone);

    TreeState& state_;
    std::unordered_map<std::string, Machine> machines_;
    std::unordered_set<std::string> dirty_;  // compute resources
    bool is_scheduled_ = false;
    std::shared_ptr<Summaries*> self_ = std::make_shared<Summaries*>(this);
    model::Subscription subscription_;
};

}  // namespace drover::center
