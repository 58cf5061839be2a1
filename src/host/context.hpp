#pragma once

#include "base/random.hpp"
#include "host/config.hpp"
#include "hypervisor/hypervisor.hpp"
#include "model/inventory.hpp"
#include "service/readers.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"
#include "task/saga.hpp"
#include "task/tasks.hpp"

namespace drover::rootd {
class Client;
}

namespace drover::service {
class EventLog;
}

namespace drover::host {

class Datastores;
class Networks;

/// What the services of a host stand on. Everything in it outlives them and belongs to the strand,
/// but for the store, the hypervisor and the root helper, which block and belong into blocking
/// queues.
struct HostBasics {
    const Config& config;
    std::string host_uuid;
    task::Runtime& runtime;
    base::Random& random;
    model::Inventory& inventory;
    task::Dispatcher& dispatcher;
    task::Tasks& tasks;
    task::SagaRunner& sagas;
    store::Store& store;
    hypervisor::Hypervisor& hypervisor;
    const hypervisor::HostInfo& host_info;
    rootd::Client* rootd;  ///< null where none is configured
    service::Readers readers;
    service::EventLog& events;
};

/// The same with the host's registries, for everything above them.
struct HostContext : HostBasics {
    HostContext(const HostBasics& basics, Datastores& all_datastores, Networks& all_networks)
        : HostBasics(basics), datastores(all_datastores), networks(all_networks) {}

    Datastores& datastores;
    Networks& networks;
};

}  // namespace drover::host
