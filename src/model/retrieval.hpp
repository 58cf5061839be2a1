#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/gathered.hpp"
#include "model/property_collector.hpp"
#include "model/selection_walk.hpp"

namespace drover::model {

class CollectorState;

/// What a retrieval in pages has left to give: objects, to be read when they are asked for.
struct RetrievalRest {
    struct Item {
        Value reference;
        std::uint64_t generation;
        std::size_t selection;
    };
    std::string token;
    std::vector<std::shared_ptr<const Selection>> selections;
    std::vector<Item> items;
    std::size_t position = 0;
    std::size_t page_size = 0;
};

struct Retrieval::State {
    struct Item {
        const ManagedObject* object;
        std::size_t selection;
    };

    State(Inventory& the_inventory, ReaderPtr the_reader)
        : inventory(the_inventory), reader(std::move(the_reader)) {}

    Inventory& inventory;
    ReaderPtr reader;
    std::vector<std::shared_ptr<const Selection>> selections;
    std::size_t page_size = 0;
    // Where the rest goes after the page; null where there is only one.
    std::weak_ptr<CollectorState> collector;
    MoRef collector_ref;
    std::size_t rest_limit = 0;

    // Walking, one selection after the other.
    std::size_t selection = 0;
    std::unique_ptr<SelectionWalk> walk;
    int restarts = 0;
    bool torn = false;  // what is walked has changed meanwhile
    // Reading.
    std::vector<Item> items;
    std::size_t position = 0;
    bool keeps_rest = false;
    RetrievalRest rest;  // of a retrieval that is continued
    std::shared_ptr<Gathered> gathered = std::make_shared<Gathered>();
    // From the first interruption on: what was destroyed since, kept alive.
    Subscription subscription;
    bool interrupted = false;
    std::vector<std::shared_ptr<const ManagedObject>> destroyed;

    /// Goes on with what an earlier page left.
    void resume(RetrievalRest earlier);
    bool advance(std::size_t steps);

private:
    bool walk_on(std::size_t& steps);
    bool read_on(std::size_t& steps);
    void prefetch() const;
    void finish();
    void interrupt();
    void note(const Delta& delta);
    bool is_there(const ManagedObject& object) const;
};

}  // namespace drover::model
