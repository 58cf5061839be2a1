#include "center/center_agent.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "base/log.hpp"
#include "center/alarms/alarms.hpp"
#include "center/availability/high_availability.hpp"
#include "center/compatibility/cluster_cpu.hpp"
#include "center/consoles/consoles.hpp"
#include "center/context.hpp"
#include "center/custom_fields/custom_fields.hpp"
#include "center/drs/drs.hpp"
#include "center/drs/report_endpoint.hpp"
#include "center/drs/score_history.hpp"
#include "center/events/center_history.hpp"
#include "center/extensions/extensions.hpp"
#include "center/faults.hpp"
#include "center/forwarding/callers.hpp"
#include "center/forwarding/forwarding.hpp"
#include "center/forwarding/host_events.hpp"
#include "center/forwarding/relay.hpp"
#include "center/forwarding/service_tickets.hpp"
#include "center/history/performance_history.hpp"
#include "center/hosts/hosts.hpp"
#include "center/maintenance/evacuation.hpp"
#include "center/migration/moves.hpp"
#include "center/mirror/mirror.hpp"
#include "center/operations/diagnostics.hpp"
#include "center/operations/endpoint.hpp"
#include "center/options/center_options.hpp"
#include "center/references.hpp"
#include "center/service_instance.hpp"
#include "center/tree/numbers.hpp"
#include "center/tree/tree.hpp"
#include "center/welcome_page.hpp"
#include "service/audit/audit_log.hpp"
#include "service/audit/audited_tasks.hpp"
#include "service/authorization/authorization_manager.hpp"
#include "service/authorization/method_privileges.hpp"
#include "service/licenses/license_manager.hpp"
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

namespace drover::center {

using task::Awaitable;
using task::Caller;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kBlockingThreads = 32;
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::minutes kHousekeeping{1};

}  // namespace

/// Everything, in the order in which it depends on each other.
struct CenterAgent::Services {
    explicit Services(Parts given)
        : parts(std::move(given)),
          audit(parts.clock, log_directory(parts.config) / service::AuditLog::kFileName),
          runtime(parts.strand, parts.clock, kBlockingThreads),
          may([this](const auto&... asked) { return authorization.may(asked...); }),
          dispatcher(inventory, may),
          sessions(parts.clock, parts.random),
          tickets(parts.clock, parts.random),
          accounts(parts.store),
          authorization({runtime, inventory, parts.store, references::root_folder,
                         [this](const auto& object) { return anchor_of(object.ref()); }}),
          journal(parts.store),
          sagas(runtime, journal, [this] { return parts.random.uuid(); }),
          numbers(runtime, parts.store) {}

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
    Numbers numbers;

    // Made in start().
    std::optional<CenterHistory> history;
    std::optional<service::AuditedTasks> audited_tasks;
    std::optional<task::Tasks> tasks;
    std::optional<TypedMethods> methods;
    std::optional<CenterBasics> basics;
    std::optional<Tree> tree;
    std::optional<CenterContext> context;
    std::optional<model::PropertyCollectors> collectors;
    std::optional<model::Views> views;
    std::optional<model::SearchIndex> search;
    std::optional<service::SessionManager> session_manager;
    std::optional<service::AuthorizationManager> authorization_manager;
    std::optional<service::LocalAccountManager> account_manager;
    std::optional<Hosts> hosts;
    std::optional<Mirror> mirror;
    std::optional<Forwarding> forwarding;
    std::optional<ClusterCpu> cpu;
    std::optional<Consoles> consoles;
    std::optional<Diagnostics> diagnostics;
    std::optional<Moves> moves;
    std::optional<Drs> drs;
    std::optional<HighAvailability> availability;
    std::optional<PerformanceHistory> performance;
    std::optional<HostEventCopies> host_events;
    std::optional<Alarms> alarms;
    std::optional<CustomFields> custom_fields;
    std::optional<Extensions> extensions;
    std::optional<service::Options> options;
    std::optional<service::LicenseManager> licenses;
    std::optional<service::SdkEndpoint> sdk;
    const service::WebClient web{parts.config.web_directory};
    std::optional<Callers> callers;
    std::optional<Relay> relay;
    std::optional<OperationsEndpoint> operations;
    std::optional<DrsEndpoint> drs_report;
    std::function<void(const http::TlsIdentity&)> use_identity;
    std::function<void()> restart;

    // The host of an object that is no entity: there privileges for it are held.
    // That of a cluster's manager is the cluster, that of an alarm what it is defined on.
    MoRef anchor_of(const MoRef& object) {
        if (object.type == TypeId::ClusterEVCManager) {
            const Value& cluster =
                inventory.get(object).property(vim::property::ClusterEVCManager::managedCluster);
            return cluster ? cluster.as_moref() : MoRef{};
        }
        if (object.type == TypeId::Alarm) {
            const Value& info = inventory.get(object).property(vim::property::Alarm::info);
            return info ? info.property("entity").as_moref() : MoRef{};
        }
        return mirror ? mirror->anchor_of(object) : MoRef{};
    }

    Awaitable<std::string> instance_uuid();
    void make_context(std::string uuid);
    void make_service();
    void make_authorization();
    Awaitable<void> make_inventory();
    Awaitable<void> make_managers();
    void make_endpoints();
    Awaitable<void> housekeeping();
    MoRef datastore_named(const task::Call& call, std::string_view name) const;
    Value read_property(const Caller& caller, const MoRef& object, const std::string& path);
    Awaitable<std::string> welcome_message();
    std::string name_of(const MoRef& object) const;
    std::vector<service::Licensee> licensees() const;
};

Awaitable<std::string> CenterAgent::Services::instance_uuid() {
    co_return co_await runtime.blocking(
        "store",
        [this]() -> std::string {
            if (const auto known = parts.store.get("center", "uuid")) return known->value;
            store::Record record;
            record.kind = "center";
            record.id = "uuid";
            record.value = parts.random.uuid();
            const std::string made = record.value;
            parts.store.commit_and_wait(store::Batch().put(std::move(record)));
            return made;
        },
        kStoreLimit);
}

void CenterAgent::Services::make_context(std::string uuid) {
    service::create_task_manager(inventory, references::task_manager);
    tasks.emplace(runtime, inventory, references::task_manager,
                  [](std::exception_ptr error) { return fault_of(std::move(error)); });
    history.emplace(parts.config, runtime, parts.random, inventory,
                    CenterHistory::open(parts.config));
    audited_tasks.emplace(audit, history->observer());
    tasks->observe(&*audited_tasks);
    methods.emplace(inventory, dispatcher, *tasks);
    basics.emplace(CenterBasics{
        parts.config, std::move(uuid), runtime, parts.random, inventory, dispatcher, *tasks, sagas,
        parts.store, [this](const Caller& caller) { return authorization.reader_of(caller); },
        history->events(), authorization, *methods, numbers});
    tree.emplace(*basics);
    context.emplace(*basics, *tree);
    mirror.emplace(*context);
    hosts.emplace(*context);
    forwarding.emplace(*context, *hosts, *mirror);
    cpu.emplace(*context, *hosts);
    consoles.emplace(*context, *hosts, *forwarding);
    diagnostics.emplace(*context, *hosts, *forwarding);
    moves.emplace(MigrationParts{*context, *hosts, *mirror, *forwarding});
    drs.emplace(*moves);
    availability.emplace(*drs);
    performance.emplace(*context, *hosts, *mirror, *forwarding);
    performance->on_network([this](const std::string& machine, double bytes_per_s) {
        drs->note_network(machine, bytes_per_s);
    });
    drs->on_thought([this](const ClusterView& view, const Thought& thought) {
        keep_scores(*performance, view, thought);
    });
    host_events.emplace(*context, *hosts, *mirror, *forwarding);
    host_events->on_copied([this](vim::Event& event) {
        drs->tell_placed(event);
        availability->name_machine(event);
    });
}

void CenterAgent::Services::make_service() {
    const auto readers = context->readers;
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
        consoles->end_session(session.key);
    });
    service::serve_property_collector(dispatcher, *collectors, readers);
    service::serve_views(dispatcher, *views, readers);
    service::serve_search_index(dispatcher, *search, readers);
    history->collectors().set_readers(readers);
    history->serve(dispatcher, *tasks);
}

// Who may log in, and who may do what.
void CenterAgent::Services::make_authorization() {
    service::SessionManager::Options how;
    how.has_access = [this](const std::string& user) {
        return authorization.access_of(user)->may_see_anything();
    };
    how.root = references::root_folder;
    how.events = &context->events;
    how.store = &parts.store;
    how.tickets = &tickets;
    session_manager.emplace(dispatcher, runtime, inventory, sessions, accounts,
                            references::session_manager, std::move(how));
    authorization_manager.emplace(dispatcher, authorization, sessions,
                                  references::authorization_manager, &context->events);
    account_manager.emplace(
        service::LocalAccountManager::Parts{dispatcher, runtime, authorization, sessions, accounts,
                                            references::account_manager, &context->events});
    service::serve_user_directory(dispatcher, authorization, references::user_directory);
    authorization.on_access_change([this] { collectors->permissions_changed(); });
    dispatcher.also_require([this](const task::Call& call) {
        return service::requirements_of(call, inventory, [this, &call](std::string_view name) {
            return datastore_named(call, name);
        });
    });
}

// Names of datastores are unique within a datacenter: that which the call names, or that of its
// object, or whichever has one of this name.
MoRef CenterAgent::Services::datastore_named(const task::Call& call, std::string_view name) const {
    std::vector<MoRef> places;
    for (const auto argument : {"datacenter", "sourceDatacenter", "destinationDatacenter",
                                "sourceDatacenter", "destDatacenter"}) {
        const Value& value = call.request.property(argument);
        if (value.kind() == vim::ValueKind::moref) places.push_back(value.as_moref());
    }
    if (places.empty()) {
        const MoRef own = tree->datacenter_of(call.self);
        if (own) places.push_back(own);
    }
    if (places.empty()) places = tree->datacenters();
    for (const MoRef& datacenter : places) {
        const auto* object = inventory.find(datacenter);
        if (object == nullptr || object->type() != TypeId::Datacenter) continue;
        const Value& list = object->property(vim::property::Datacenter::datastore);
        if (!list) continue;
        for (const Value& each : list.elements()) {
            const auto* datastore = inventory.find(each.as_moref());
            if (datastore == nullptr) continue;
            const Value& other = datastore->property(vim::property::Datastore::name);
            if (other && other.as_string() == name) return datastore->ref();
        }
    }
    return {};
}

Awaitable<void> CenterAgent::Services::make_inventory() {
    co_await tree->start();
    // What the last run left unfinished comes to its end before anybody can look.
    co_await sagas.recover();
    co_await mirror->start();
    mirror->follow(*hosts);
    co_await host_events->start();
    co_await hosts->start();
    co_await cpu->start();
}

Awaitable<void> CenterAgent::Services::make_managers() {
    alarms.emplace(*context);
    history->events().on_event(
        [this](const auto& item) { alarms->on_event(vim::Event(item.value)); });
    co_await alarms->start();
    custom_fields.emplace(*basics);
    co_await custom_fields->start();
    extensions.emplace(*basics);
    co_await extensions->start();
    options.emplace(
        service::Options::Parts{runtime, inventory, dispatcher, parts.store, references::options});
    define_center_options(*options, *basics, sessions);
    co_await options->start();
    const auto about = make_about(*basics);
    licenses.emplace(service::LicenseManager::Parts{
        .runtime = runtime,
        .inventory = inventory,
        .dispatcher = dispatcher,
        .store = parts.store,
        .manager = references::license_manager,
        .product_name = std::string(about.licenseProductName().value_or("")),
        .product_version = std::string(about.licenseProductVersion().value_or("")),
        .features = {service::license_feature("vc", "drover Center",
                                              "Everything that a center does", true)},
        .assignments = references::license_assignment_manager,
        .licensees = [this] { return licensees(); }});
    co_await licenses->start();
}

void CenterAgent::Services::make_endpoints() {
    sdk.emplace(service::SdkEndpoint::Parts{
        runtime, dispatcher, sessions,
        [this](const Caller& caller, const MoRef& object, const std::string& path) {
            return read_property(caller, object, path);
        },
        [](std::exception_ptr error) { return fault_of(std::move(error)); }, &audit,
        [this](const MoRef& object) { return name_of(object); }});
    callers.emplace(Callers::Parts{runtime, sessions, tickets,
                                   [this](const std::string& user, const std::string& password) {
                                       return accounts.verify(user, password);
                                   }});
    relay.emplace(Relay::Parts{*context, *hosts, *mirror, *callers, may});
    drs_report.emplace(DrsEndpoint::Parts{*drs, *callers, may});
    operations.emplace(OperationsEndpoint::Parts{*context, *callers, *diagnostics, *relay, may,
                                                 [this](const http::TlsIdentity& identity) {
                                                     consoles->show_identity(identity);
                                                     if (use_identity) use_identity(identity);
                                                 },
                                                 [this] {
                                                     if (restart) restart();
                                                 }});
}

std::string CenterAgent::Services::name_of(const MoRef& reference) const {
    const auto* object = inventory.find(reference.id);
    if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) return {};
    const Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

Value CenterAgent::Services::read_property(const Caller& caller, const MoRef& object,
                                           const std::string& path) {
    if (caller.session_key.empty() && object.id != references::service_instance.id) {
        auto fault = vim::NotAuthenticated::make();
        fault.set_object(object);
        fault.set_privilegeId("System.View");
        throw vim::Fault(fault, "The session is not authenticated.");
    }
    return model::fetch(inventory, *authorization.reader_of(caller), object, path);
}

Awaitable<void> CenterAgent::Services::housekeeping() {
    while (true) {
        co_await runtime.sleep(kHousekeeping);
        sessions.expire();
        tasks->expire();
        history->expire();
    }
}

Awaitable<std::string> CenterAgent::Services::welcome_message() {
    co_return options->text("vpxd.motd");
}

// The center and each host that it manages.
std::vector<service::Licensee> CenterAgent::Services::licensees() const {
    std::vector<service::Licensee> all{
        {basics->instance_uuid, std::string(make_about(*basics).name())}};
    hosts->for_each([&all](const Host& host) { all.push_back({host.ref.id, host.name}); });
    return all;
}

CenterAgent::CenterAgent(Parts parts) : services_(std::make_unique<Services>(std::move(parts))) {}

CenterAgent::~CenterAgent() = default;

void CenterAgent::on_certificate(std::function<void(const http::TlsIdentity&)> use_identity) {
    services_->use_identity = std::move(use_identity);
}

void CenterAgent::on_restart(std::function<void()> restart) {
    services_->restart = std::move(restart);
}

Awaitable<void> CenterAgent::start() {
    Services& services = *services_;
    services.make_context(co_await services.instance_uuid());
    co_await services.numbers.start();
    services.make_service();
    co_await services.authorization.load();
    co_await services.session_manager->load();
    co_await services.make_inventory();
    co_await services.make_managers();
    services.consoles->serve();
    services.diagnostics->serve();
    serve_host_tickets(*services.context, *services.hosts, *services.mirror, services.may);
    serve_move_methods(*services.moves);
    serve_checker(*services.moves);
    serve_maintenance(*services.drs);
    co_await services.drs->start();
    co_await services.availability->start();
    co_await services.performance->start();
    services.performance->serve();
    services.forwarding->serve();
    serve_service_instance(*services.basics);
    services.make_endpoints();
    services.runtime.spawn("housekeeping", services.housekeeping());
}

void CenterAgent::stop() {
    if (services_->hosts) services_->hosts->stop();
}

Awaitable<http::Response> CenterAgent::handle(http::Request request) {
    const std::string path(request.target.path());
    if (service::SdkEndpoint::serves(path)) {
        co_return co_await services_->sdk->handle(std::move(request));
    }
    if (Consoles::serves(path)) co_return co_await services_->consoles->handle(std::move(request));
    if (OperationsEndpoint::serves(path)) {
        co_return co_await services_->operations->handle(std::move(request));
    }
    if (Relay::serves(path)) co_return co_await services_->relay->handle(std::move(request));
    if (DrsEndpoint::serves(path)) {
        co_return co_await services_->drs_report->handle(std::move(request));
    }
    if (services_->web.serves(path)) co_return services_->web.answer(request);
    const bool is_welcome = path == "/" || path == "/welcome";
    if (is_welcome && (request.method == "GET" || request.method == "HEAD")) {
        const std::string message = co_await boost::asio::co_spawn(
            services_->runtime.strand(), services_->welcome_message(), boost::asio::use_awaitable);
        co_return welcome_page(services_->parts.config, message);
    }
    co_return http::Response::text(404, "There is nothing at this address. The API is at /sdk.\n");
}

std::string CenterAgent::served_api() const {
    const Forwarding& forwarding = *services_->forwarding;
    return service::served_api(services_->dispatcher, services_->inventory,
                               [&](const vim::MethodDescriptor& method) {
                                   return forwarding.is_passed_on(method.name());
                               });
}

http::BodyPolicy CenterAgent::body_policy(const http::Request& request) {
    if (Relay::serves(request.target.path())) return Relay::body_policy(request);
    if (OperationsEndpoint::serves(request.target.path())) {
        return OperationsEndpoint::body_policy(request);
    }
    return {};
}

}  // namespace drover::center
