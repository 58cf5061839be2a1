#include "host/host_agent.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <set>

#include "base/log.hpp"
#include "host/autostart/autostart.hpp"
#include "host/availability/availability.hpp"
#include "host/availability/protection.hpp"
#include "host/availability/vm_monitoring.hpp"
#include "host/cpu/cpu_policy.hpp"
#include "host/datastores.hpp"
#include "host/environment/environment_browser.hpp"
#include "host/events/host_events.hpp"
#include "host/events/host_history.hpp"
#include "host/faults.hpp"
#include "host/files/files.hpp"
#include "host/files/folder_endpoint.hpp"
#include "host/host_system/host_system.hpp"
#include "host/inventory_root.hpp"
#include "host/machines/console.hpp"
#include "host/machines/create.hpp"
#include "host/machines/destroy.hpp"
#include "host/machines/guest_watch.hpp"
#include "host/machines/power.hpp"
#include "host/machines/reconciler.hpp"
#include "host/machines/reconfigure.hpp"
#include "host/machines/registration.hpp"
#include "host/machines/relocate.hpp"
#include "host/machines/resource_pools.hpp"
#include "host/machines/screen.hpp"
#include "host/machines/upkeep.hpp"
#include "host/managers.hpp"
#include "host/migration/migration.hpp"
#include "host/networks.hpp"
#include "host/options/host_options.hpp"
#include "host/options/options.hpp"
#include "host/performance/performance_manager.hpp"
#include "host/performance/quick_stats.hpp"
#include "host/performance/sampler.hpp"
#include "host/references.hpp"
#include "host/service_instance.hpp"
#include "host/simulated/population.hpp"
#include "host/welcome_page.hpp"
#include "rootd/client.hpp"
#include "service/audit/audit_log.hpp"
#include "service/audit/audited_tasks.hpp"
#include "service/authorization/authorization_manager.hpp"
#include "service/authorization/method_privileges.hpp"
#include "service/local_accounts/local_account_manager.hpp"
#include "service/local_accounts/user_directory.hpp"
#include "service/property_collector.hpp"
#include "service/sdk_endpoint.hpp"
#include "service/served_api.hpp"
#include "service/session_manager.hpp"
#include "service/task_manager.hpp"
#include "service/views_and_search.hpp"
#include "service/web_client.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using task::Caller;
using vim::MoRef;

namespace {

constexpr std::size_t kBlockingThreads = 32;
constexpr std::chrono::seconds kHostInfoLimit{60};
constexpr std::chrono::seconds kRetryInterval{1};
constexpr std::chrono::minutes kHousekeeping{1};

// Privileges for the host's own services are held on the host, for all others on the root folder.
MoRef anchor_of(const model::ManagedObject& object) {
    if (vim::describe(object.type()).name().starts_with("Host")) return references::host;
    if (object.type() == vim::TypeId::EnvironmentBrowser) return references::compute_resource;
    if (object.id() == references::options.id) return references::host;
    return references::root_folder;
}

}  // namespace

/// Everything, in the order in which it depends on each other.
struct HostAgent::Services {
    explicit Services(Parts given)
        : parts(std::move(given)),
          audit(parts.clock, log_directory(parts.config) / service::AuditLog::kFileName),
          runtime(parts.strand, parts.clock, kBlockingThreads),
          may([this](const auto&... asked) { return authorization.may(asked...); }),
          dispatcher(inventory, may),
          sessions(parts.clock, parts.random),
          tickets(parts.clock, parts.random),
          accounts(parts.store),
          authorization({runtime, inventory, parts.store, references::root_folder, anchor_of}),
          journal(parts.store),
          sagas(runtime, journal, [this] { return parts.random.uuid(); }),
          rootd(parts.config.rootd_socket.empty()
                    ? nullptr
                    : std::make_unique<rootd::Client>(parts.config.rootd_socket)) {}

    Parts parts;
    service::AuditLog audit;
    task::Runtime runtime;
    model::Inventory inventory;
    task::PrivilegeCheck may;
    task::Dispatcher dispatcher;
    service::Sessions sessions;
    service::Tickets tickets;
    service::Accounts accounts;
    service::Authorization authorization;
    store::Journal journal;
    task::SagaRunner sagas;
    std::unique_ptr<rootd::Client> rootd;
    hypervisor::HostInfo host_info;

    // Made in start(), when the hypervisor has told what the host is.
    std::optional<HostHistory> history;
    std::optional<service::AuditedTasks> audited_tasks;
    std::optional<task::Tasks> tasks;
    std::optional<HostBasics> basics;
    std::optional<Datastores> datastores;
    std::optional<Networks> networks;
    std::optional<HostContext> context;
    std::optional<HostSystem> host_system;
    std::optional<model::PropertyCollectors> collectors;
    std::optional<model::Views> views;
    std::optional<model::SearchIndex> search;
    std::optional<service::SessionManager> session_manager;
    std::optional<service::AuthorizationManager> authorization_manager;
    std::optional<service::LocalAccountManager> account_manager;
    std::optional<CpuPolicy> cpu;
    std::optional<Machines> machines;
    std::optional<Leases> leases;
    std::optional<Availability> availability;
    std::optional<VmMonitoring> monitoring;
    std::optional<Protection> protection;
    std::optional<Power> power;
    std::optional<Create> create;
    std::optional<Destroy> destroy;
    std::optional<Reconfigure> reconfigure;
    std::optional<Registration> registration;
    std::optional<Relocate> relocate;
    std::optional<ResourcePools> pools;
    std::optional<Upkeep> upkeep;
    std::optional<Consoles> consoles;
    std::optional<Screens> screens;
    std::optional<Reconciler> reconciler;
    std::optional<GuestWatch> guests;
    std::optional<Migration> migration;
    std::optional<Sampler> sampler;
    std::optional<AutoStart> autostart;
    std::optional<Managers> managers;
    std::function<void(const http::TlsIdentity&)> use_identity;
    std::optional<HostEvents> happenings;
    std::optional<service::SdkEndpoint> sdk;
    const service::WebClient web{parts.config.web_directory};
    std::optional<FolderEndpoint> folder;

    model::ReaderPtr reader_of(const Caller& caller) { return authorization.reader_of(caller); }
    files::Passwords passwords() {
        return {.verify =
                    [this](const std::string& user, const std::string& password) {
                        return accounts.verify(user, password);
                    },
                .hash_of = [this](const std::string& user) -> std::string {
                    const auto& users = authorization.directory().users;
                    const auto found = users.find(user);
                    return found == users.end() ? std::string() : found->second.hash;
                }};
    }

    Awaitable<void> wait_for_hypervisor();
    Awaitable<std::string> host_uuid();
    void make_context(std::string uuid);
    void make_service();
    void make_authorization();
    Awaitable<void> make_host();
    Awaitable<void> make_machines();
    void make_migration();
    void make_performance();
    void make_autostart();
    void make_availability();
    void make_endpoints();
    Awaitable<void> housekeeping();
    Awaitable<std::string> welcome_message();
    std::string name_of(const MoRef& object) const;
    vim::Value read_property(const Caller& caller, const MoRef& object, const std::string& path);
};

Awaitable<void> HostAgent::Services::wait_for_hypervisor() {
    for (bool reported = false;; reported = true) {
        try {
            host_info = co_await runtime.blocking(
                "hypervisor", [this] { return parts.hypervisor.host_info(); }, kHostInfoLimit);
            co_return;
        } catch (const hypervisor::HypervisorError& error) {
            if (!reported) base::log_warning("waiting for the hypervisor: {}", error.what());
        }
        co_await runtime.sleep(kRetryInterval);
    }
}

// Configured, or as it was last time, or the hypervisor's, which knows the hardware's.
Awaitable<std::string> HostAgent::Services::host_uuid() {
    co_return co_await runtime.blocking(
        "store",
        [this, configured = parts.config.host_uuid]() -> std::string {
            if (!configured.empty()) return configured;
            if (const auto known = parts.store.get("host", "uuid")) return known->value;
            store::Record record;
            record.kind = "host";
            record.id = "uuid";
            record.value = host_info.host_uuid.empty() ? parts.random.uuid() : host_info.host_uuid;
            const std::string made = record.value;
            parts.store.commit_and_wait(store::Batch().put(std::move(record)));
            return made;
        },
        kHostInfoLimit);
}

void HostAgent::Services::make_context(std::string uuid) {
    service::create_task_manager(inventory, references::task_manager);
    tasks.emplace(runtime, inventory, references::task_manager, fault_of);
    history.emplace(parts.config, runtime, parts.random, inventory,
                    HostHistory::open(parts.config));
    audited_tasks.emplace(audit, history->observer());
    tasks->observe(&*audited_tasks);
    basics.emplace(
        HostBasics{parts.config, std::move(uuid), runtime, parts.random, inventory, dispatcher,
                   *tasks, sagas, parts.store, parts.hypervisor, host_info, rootd.get(),
                   [this](const Caller& caller) { return reader_of(caller); }, history->events()});
    datastores.emplace(*basics);
    networks.emplace(*basics);
    context.emplace(*basics, *datastores, *networks);
}

void HostAgent::Services::make_service() {
    const auto readers = context->readers;
    create_inventory_root(*context);
    serve_service_instance(*context);
    collectors.emplace(inventory, references::property_collector.id, parts.random,
                       [strand = runtime.strand()](std::function<void()> job) {
                           boost::asio::post(strand, std::move(job));
                       });
    views.emplace(inventory, references::view_manager.id, references::root_folder, parts.random);
    search.emplace(inventory, references::search_index.id, references::root_folder);
    make_authorization();
    sessions.on_end([this](const service::Session& session) {
        collectors->end_session(session.key);
        views->end_session(session.key);
        history->end_session(session.key);
        tickets.end_session(session.key);
    });
    service::serve_property_collector(dispatcher, *collectors, readers);
    service::serve_views(dispatcher, *views, readers);
    service::serve_search_index(dispatcher, *search, readers);
    history->collectors().set_readers(readers);
    history->serve(dispatcher, *tasks);
}

// Who may log in, and who may do what.
void HostAgent::Services::make_authorization() {
    service::SessionManager::Options options;
    options.has_access = [this](const std::string& user) {
        return authorization.access_of(user)->may_see_anything();
    };
    options.root = references::root_folder;
    options.events = &context->events;
    options.store = &parts.store;
    options.tickets = &tickets;
    session_manager.emplace(dispatcher, runtime, inventory, sessions, accounts,
                            references::session_manager, std::move(options));
    authorization_manager.emplace(dispatcher, authorization, sessions,
                                  references::authorization_manager, &context->events);
    account_manager.emplace(
        service::LocalAccountManager::Parts{dispatcher, runtime, authorization, sessions, accounts,
                                            references::account_manager, &context->events});
    service::serve_user_directory(dispatcher, authorization, references::user_directory);
    authorization.on_access_change([this] { collectors->permissions_changed(); });
    dispatcher.also_require([this](const task::Call& call) {
        return service::requirements_of(call, inventory, [this](std::string_view name) {
            const DatastoreEntry* entry = datastores->find(name);
            return entry != nullptr ? entry->ref : MoRef{};
        });
    });
}

Awaitable<void> HostAgent::Services::make_host() {
    host_system.emplace(*context);
    co_await host_system->start();
    co_await datastores->start();
    co_await networks->start();
}

Awaitable<void> HostAgent::Services::make_machines() {
    co_await populate(*context);
    machines.emplace(*context);
    leases.emplace(*context);
    cpu.emplace(*context);
    availability.emplace(*context, *machines);
    monitoring.emplace(
        *context, *machines,
        VmMonitoring::Actions{
            [this](MachinePtr machine) { return screens->keep(std::move(machine)); },
            [this](MoRef machine) { return power->reset_alone(std::move(machine)); }});
    protection.emplace(
        Protection::Parts{*context, *machines, *availability, *host_system, *monitoring});
    power.emplace(*context, *machines, *leases, *cpu, *availability);
    create.emplace(*context, *machines);
    pools.emplace(*context, *machines);
    destroy.emplace(*context, *machines, *pools);
    reconfigure.emplace(*context, *machines);
    registration.emplace(*context, *machines, *pools);
    relocate.emplace(*context, *machines, *leases, *pools);
    upkeep.emplace(*context, *machines, *reconfigure);
    consoles.emplace(*context, *machines);
    screens.emplace(Screens::Parts{*context, *machines, sessions, may, passwords()});
    reconciler.emplace(*context, *machines, *leases);
    guests.emplace(*context, *machines);
    // What the last run left unfinished comes to its end before anybody can look.
    co_await sagas.recover();
    co_await pools->start();
    co_await machines->start();
    co_await relocate->start();
    serve_files(*context, *machines);
    power->serve();
    create->serve();
    destroy->serve();
    reconfigure->serve();
    registration->serve();
    relocate->serve();
    serve_relocation_checks(*context, *machines, *relocate);
    pools->serve([this](MachinePtr machine, vim::VirtualMachineConfigSpec spec) {
        return reconfigure->reconfigure_alone(machine, spec);
    });
    upkeep->serve();
    consoles->serve();
    screens->serve();
    const auto admission = [this] { host_system->require_accepts_machines(); };
    power->add_admission(admission);
    create->add_admission(admission);
    registration->add_admission(admission);
    power->add_machine_admission(
        [this](const Machine& machine) { pools->require_room_for(machine); });
    reconciler->on_guest([this](const MachinePtr& machine) {
        guests->begin(machine);
        if (machine->domain->agent_connected) availability->guest_ready(*machine);
    });
    reconciler->on_guarded(
        {.go_on = [this](MachinePtr machine) { return availability->go_on(std::move(machine)); },
         .power_off =
             [this](MachinePtr machine) { return availability->power_off(std::move(machine)); }});
    power->on_started([this](const MachinePtr& machine) {
        guests->begin(machine);
        sampler->soon();
    });
    datastores->on_change(
        [this](const DatastoreEntry& entry) { reconciler->datastore_changed(entry); });
}

void HostAgent::Services::make_migration() {
    migration.emplace(
        Migration::Parts{*context, *machines, *leases, *availability,
                         [this] { host_system->require_accepts_machines(); },
                         [this](const Machine& machine) { pools->require_room_for(machine); },
                         [this](const MachinePtr& machine) {
                             guests->begin(machine);
                             sampler->soon();
                         },
                         [this](MachinePtr machine) { return destroy->destroy(machine); }});
}

void HostAgent::Services::make_performance() {
    sampler.emplace(*context,
                    [this](const hypervisor::DomainUuid& uuid) -> std::optional<SampledMachine> {
                        const MachinePtr machine = machines->find_by_uuid(uuid);
                        if (!machine) return std::nullopt;
                        return SampledMachine{machine->ref, machine->config, machine->boot_time,
                                              pools->path_of(machine->pool)};
                    });
    sampler->on_sample([this](const Sample& sample) {
        host_system->show_usage(sample.host);
        std::vector<MachinePtr> shown;
        std::set<std::string> running;
        for (const MachineUsage& usage : sample.machines) {
            running.insert(usage.ref.id);
            const MachinePtr machine = machines->find(usage.ref);
            if (!machine) continue;
            machine->quick_stats = quick_stats_of(usage);
            shown.push_back(machine);
        }
        machines->publish_quick_stats(shown);
        pools->show_usage(sample.machines);
        reconciler->seen_running(running);
    });
    serve_performance_manager(*context, sampler->history());
}

void HostAgent::Services::make_autostart() {
    AutoStartActions actions;
    actions.power_on = [this](MoRef machine) { return power->power_on_alone(machine); };
    actions.stop = [this](MoRef machine, std::string action) {
        return power->stop_alone(machine, action);
    };
    autostart.emplace(*context, std::move(actions));
}

void HostAgent::Services::make_availability() {
    availability->start(
        {.start = [this](MachinePtr machine, std::uint64_t generation) -> Awaitable<void> {
             return power->start_guarded(machine, generation);
         },
         .adopt = [this](std::string path) { return registration->adopt(path); },
         .forget = [this](MachinePtr machine) { return registration->unregister(machine); },
         .takes =
             [this] {
                 try {
                     host_system->require_accepts_machines();
                 } catch (const vim::Fault&) {
                     return false;
                 }
                 return true;
             },
         .storage_is_back =
             [this](const std::string& uuid, ha::Duration outage) {
                 monitoring->storage_is_back(uuid, outage);
             }});
    protection->start();
    monitoring->start();
}

void HostAgent::Services::make_endpoints() {
    sdk.emplace(service::SdkEndpoint::Parts{
        runtime, dispatcher, sessions,
        [this](const Caller& caller, const MoRef& object, const std::string& path) {
            return read_property(caller, object, path);
        },
        fault_of, &audit, [this](const MoRef& object) { return name_of(object); }});
    folder.emplace(FolderEndpoint::Parts{
        *context, sessions, may, passwords(), [this] { return machines->all(); }, &tickets,
        [this](const storage::DatastorePath& path) { reconciler->file_changed(path); }});
}

std::string HostAgent::Services::name_of(const MoRef& reference) const {
    const auto* object = inventory.find(reference.id);
    if (object == nullptr || !vim::is_a(object->type(), vim::TypeId::ManagedEntity)) return {};
    const vim::Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

vim::Value HostAgent::Services::read_property(const Caller& caller, const MoRef& object,
                                              const std::string& path) {
    if (caller.session_key.empty() && object.id != references::service_instance.id) {
        auto fault = vim::NotAuthenticated::make();
        fault.set_object(object);
        fault.set_privilegeId("System.View");
        throw vim::Fault(fault, "The session is not authenticated.");
    }
    return model::fetch(inventory, *reader_of(caller), object, path);
}

Awaitable<void> HostAgent::Services::housekeeping() {
    while (true) {
        co_await runtime.sleep(kHousekeeping);
        sessions.expire();
        tasks->expire();
        history->expire();
    }
}

Awaitable<std::string> HostAgent::Services::welcome_message() {
    co_return managers->options().text("Annotations.WelcomeMessage");
}

HostAgent::HostAgent(Parts parts) : services_(std::make_unique<Services>(std::move(parts))) {}

HostAgent::~HostAgent() = default;

void HostAgent::on_certificate(std::function<void(const http::TlsIdentity&)> use_identity) {
    services_->use_identity = std::move(use_identity);
}

Awaitable<void> HostAgent::start() {
    Services& services = *services_;
    co_await services.wait_for_hypervisor();
    services.make_context(co_await services.host_uuid());
    services.make_service();
    co_await services.authorization.load();
    co_await services.session_manager->load();
    co_await services.make_host();
    co_await services.make_machines();
    services.make_performance();
    serve_environment_browser(*services.context);
    services.make_autostart();
    co_await services.autostart->start();
    services.make_endpoints();
    services.make_migration();
    co_await services.migration->start();
    co_await services.reconciler->start();
    services.managers.emplace(Managers::Parts{
        *services.context, services.sessions, *services.host_system, *services.cpu, *services.pools,
        *services.protection, services.may, services.passwords(), services.use_identity});
    co_await services.managers->start();
    services.make_availability();
    // Not before the options are in effect: machines start with the CPU that those allow.
    services.autostart->after_start(current_boot_id());
    services.happenings.emplace(*services.context, *services.history);
    services.happenings->start();
    services.sampler->start();
    services.host_system->watch();
    services.runtime.spawn("housekeeping", services.housekeeping());
}

Awaitable<http::Response> HostAgent::handle(http::Request request) {
    const std::string path(request.target.path());
    if (service::SdkEndpoint::serves(path)) {
        co_return co_await services_->sdk->handle(std::move(request));
    }
    if (FolderEndpoint::serves(path)) {
        co_return co_await services_->folder->handle(std::move(request));
    }
    if (Migration::serves(path)) {
        co_return co_await services_->migration->handle(std::move(request));
    }
    if (Consoles::serves(path)) co_return co_await services_->consoles->handle(std::move(request));
    if (Screens::serves(path)) co_return co_await services_->screens->handle(std::move(request));
    if (Managers::serves(path)) co_return co_await services_->managers->handle(std::move(request));
    if (services_->web.serves(path)) co_return services_->web.answer(request);
    const bool is_welcome = path == "/" || path == "/welcome";
    if (is_welcome && (request.method == "GET" || request.method == "HEAD")) {
        const std::string message = co_await boost::asio::co_spawn(
            services_->runtime.strand(), services_->welcome_message(), boost::asio::use_awaitable);
        co_return welcome_page(services_->parts.config, message);
    }
    co_return http::Response::text(404, "There is nothing at this address. The API is at /sdk.\n");
}

std::string HostAgent::served_api() const {
    return service::served_api(services_->dispatcher, services_->inventory);
}

http::BodyPolicy HostAgent::body_policy(const http::Request& request) {
    if (FolderEndpoint::serves(request.target.path())) return FolderEndpoint::body_policy(request);
    return {};
}

}  // namespace drover::host
