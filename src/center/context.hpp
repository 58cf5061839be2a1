#pragma once

#include "base/random.hpp"
#include "center/config.hpp"
#include "center/typed_methods.hpp"
#include "model/inventory.hpp"
#include "service/authorization/authorization.hpp"
#include "service/history/event_log.hpp"
#include "service/readers.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"
#include "task/saga.hpp"
#include "task/tasks.hpp"

namespace drover::center {

class Numbers;
class Tree;

/// What the services of the center stand on. Everything in it outlives them and belongs to the
/// strand, but for the store, which blocks and belongs into the blocking queue "store".
struct CenterBasics {
    const Config& config;
    std::string instance_uuid;
    task::Runtime& runtime;
    base::Random& random;
    model::Inventory& inventory;
    task::Dispatcher& dispatcher;
    task::Tasks& tasks;
    task::SagaRunner& sagas;
    store::Store& store;
    service::Readers readers;
    service::EventLog& events;
    service::Authorization& authorization;
    /// For methods of which others serve their kinds of objects: Destroy_Task, Rename_Task.
    TypedMethods& methods;
    Numbers& numbers;
};

/// The same with the tree, for everything below it.
struct CenterContext : CenterBasics {
    CenterContext(const CenterBasics& basics, Tree& the_tree)
        : CenterBasics(basics), tree(the_tree) {}

    Tree& tree;
};

/// Stores a batch and comes back when it is durable. What the store throws comes out of here.
task::Awaitable<void> commit(const CenterBasics& context, store::Batch batch);

}  // namespace drover::center
