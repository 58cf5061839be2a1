#include "host/managers.hpp"

#include "host/availability/protection.hpp"
#include "host/certificates/certificate_manager.hpp"
#include "host/cpu/cpu_policy.hpp"
#include "host/diagnostics/diagnostic_manager.hpp"
#include "host/diagnostics/downloads.hpp"
#include "host/host_system/host_system.hpp"
#include "host/licenses/license_manager.hpp"
#include "host/machines/resource_pools.hpp"
#include "host/network_system/network_system.hpp"
#include "host/options/host_options.hpp"
#include "host/services/service_system.hpp"
#include "host/storage_system/datastore_system.hpp"
#include "host/storage_system/storage_system.hpp"
#include "host/time/date_time_system.hpp"

namespace drover::host {

using task::Awaitable;

struct Managers::State {
    explicit State(Parts given)
        : parts(std::move(given)),
          options(parts.context),
          licenses(parts.context, static_cast<std::int32_t>(parts.host_system.capacity().sockets)),
          diagnostics(parts.context, options),
          network(parts.context, [this] { return parts.host_system.refresh(); }),
          storage(parts.context),
          services(parts.context),
          time(parts.context),
          certificates(parts.context, parts.context.config.state_directory / "tls",
                       parts.use_identity),
          downloads({parts.context, diagnostics, parts.sessions, parts.may, parts.passwords}) {}

    Parts parts;
    Options options;
    LicenseManager licenses;
    DiagnosticManager diagnostics;
    NetworkSystem network;
    StorageSystem storage;
    ServiceSystem services;
    DateTimeSystem time;
    CertificateManager certificates;
    Downloads downloads;
};

Managers::Managers(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Managers::~Managers() = default;

Awaitable<void> Managers::start() {
    State& state = *state_;
    const Parts& parts = state.parts;
    define_host_options(state.options, parts.context, parts.sessions, parts.host_system,
                        parts.context.datastores);
    parts.cpu.define_option(state.options);
    parts.pools.define_option(state.options);
    parts.protection.define_option(state.options);
    state.diagnostics.define_options();
    co_await state.options.start();
    co_await state.licenses.start();
    state.diagnostics.start();
    state.network.start();
    serve_virtual_nic_manager(parts.context);
    serve_datastore_system(parts.context);
    co_await state.storage.start();
    co_await state.services.start();
    co_await state.time.start();
    co_await state.certificates.start();
    co_await parts.host_system.refresh();
}

Options& Managers::options() {
    return state_->options;
}

bool Managers::serves(std::string_view path) {
    return Downloads::serves(path);
}

Awaitable<http::Response> Managers::handle(http::Request request) {
    return state_->downloads.handle(std::move(request));
}

}  // namespace drover::host
