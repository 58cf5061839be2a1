#pragma once

// Where a new machine goes: host, pool, folder and datastore, from what the user said and what the
// inventory offers.

#include <optional>
#include <string>

#include "cli/context.hpp"

namespace drover::cli {

/// What the user said; empty: choose.
struct WantedPlace {
    std::string host;
    std::string pool;
    std::string folder;
    std::string datastore;
};

struct Place {
    vim::MoRef host;
    vim::MoRef pool;
    vim::MoRef folder;
    client::Named datastore;
};

/// Of several hosts the connected one with the most free memory, of several datastores the
/// accessible one with the most free space. Throws LookupError that says what is missing.
Place choose_place(client::Connection& connection, const WantedPlace& wanted);

/// The folder of machines in the datacenter that an object lies in.
vim::MoRef machine_folder(client::Connection& connection, const vim::MoRef& object);

}  // namespace drover::cli
