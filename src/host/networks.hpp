#pragma once

// The networks that machines can join, and the virtual switches that they are on. A virtual switch
// is a Linux bridge of this host; a network is a port group of one: a name by which machines know
// it. Those of the configuration file stay; others are made and removed through the API, and kept
// in the store.

#include <map>
#include <string>
#include <vector>

#include "host/context.hpp"

namespace drover::host {

struct NetworkEntry {
    std::string name;
    std::string bridge;
    vim::MoRef ref;
    std::string vswitch = {};   ///< the API's name of the switch
    bool is_configured = true;  ///< by the configuration file
};

struct SwitchEntry {
    std::string name;
    std::string bridge;
    std::string uplink = {};  ///< a physical NIC; empty: none of ours
    bool is_configured = true;
};

class Networks {
public:
    explicit Networks(const HostBasics& context) : context_(context) {}

    /// Makes sure that the bridges are there (through the root helper) and makes the managed
    /// objects. Call once, on the strand.
    task::Awaitable<void> start();

    const std::vector<NetworkEntry>& all() const { return entries_; }
    /// Pointers hold until the next change.
    const NetworkEntry* find(std::string_view name) const;
    const std::vector<SwitchEntry>& switches() const { return switches_; }
    const SwitchEntry* find_switch(std::string_view name) const;

    /// Makes a switch, or sets the uplink of one that has none. Throws what the root helper and the
    /// store throw. The caller has checked that it may be.
    task::Awaitable<void> put_switch(SwitchEntry made);
    task::Awaitable<void> remove_switch(std::string name);
    task::Awaitable<void> add_network(std::string name, std::string vswitch);
    /// Its machines, none of which runs, are left without it.
    task::Awaitable<void> remove_network(std::string name);

    /// The bridge for a new switch: its name where the root helper would make that, else one made
    /// of it. Blocks; throws what the root helper throws.
    static std::string bridge_name(const std::string& switch_name, const std::string& prefix,
                                   base::Random& random);

    /// Keeps Network.vm. Inside the caller's transaction.
    void set_machine(model::Transaction& transaction, const std::vector<vim::MoRef>& networks,
                     const vim::MoRef& machine);
    void remove_machine(model::Transaction& transaction, const vim::MoRef& machine);

private:
    void load_configured();
    void load_stored(const std::vector<store::Record>& switches,
                     const std::vector<store::Record>& networks);
    void publish(model::Transaction& transaction, const NetworkEntry& entry) const;
    void withdraw(model::Transaction& transaction, const NetworkEntry& entry) const;
    task::Awaitable<void> ensure_bridge(SwitchEntry entry);
    task::Awaitable<void> store(store::Batch batch);

    const HostBasics& context_;
    std::vector<NetworkEntry> entries_;
    std::vector<SwitchEntry> switches_;
};

}  // namespace drover::host
