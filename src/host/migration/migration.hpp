#pragma once

// Machines that move between hosts: DroverMigrationManager. docs/adr/0005-migration.md says how two
// hosts agree; departures.hpp is the source's side, arrivals.hpp the destination's.

#include <memory>

#include "host/availability/availability.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "http/message.hpp"

namespace drover::host {

/// Belongs to the strand.
class Migration {
public:
    struct Parts {
        const HostContext& context;
        Machines& machines;
        Leases& leases;
        Availability& availability;
        std::function<void()> admission;                 ///< throws if the host takes no machines
        std::function<void(const Machine&)> room;        ///< throws if it can't reserve so much
        std::function<void(const MachinePtr&)> arrived;  ///< it runs here from now on
        std::function<task::Awaitable<void>(MachinePtr)> destroy;  ///< with its files
    };

    explicit Migration(Parts parts);
    ~Migration();
    Migration(const Migration&) = delete;
    Migration& operator=(const Migration&) = delete;

    /// Takes up what the last run left and serves the methods. After the machines are read, before
    /// the reconciler.
    task::Awaitable<void> start();

    /// Whether a request is another host's engine that wants to ours.
    static bool serves(std::string_view path);
    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct Services;
    void serve();
    std::unique_ptr<Services> services_;
};

}  // namespace drover::host
