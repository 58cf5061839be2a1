#pragma once

// The networks that machines can join: each is a Linux bridge of this host under the name that
// machines know it by.

#include <map>
#include <string>
#include <vector>

#include "host/context.hpp"

namespace drover::host {

struct NetworkEntry {
    std::string name;
    std::string bridge;
    vim::MoRef ref;
};

class Networks {
public:
    explicit Networks(const HostBasics& context) : context_(context) {}

    /// Makes sure that the bridges are there (through the root helper) and makes the managed
    /// objects. Call once, on the strand.
    task::Awaitable<void> start();

    const std::vector<NetworkEntry>& all() const { return entries_; }
    const NetworkEntry* find(std::string_view name) const;

    /// Keeps Network.vm. Inside the caller's transaction.
    void set_machine(model::Transaction& transaction, const std::vector<vim::MoRef>& networks,
                     const vim::MoRef& machine);
    void remove_machine(model::Transaction& transaction, const vim::MoRef& machine);

private:
    task::Awaitable<void> ensure_bridge(const NetworkEntry& entry);

    const HostBasics& context_;
    std::vector<NetworkEntry> entries_;
};

}  // namespace drover::host
