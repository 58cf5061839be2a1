// AddHost_Task and AddStandaloneHost_Task.
//
// The administrator's password serves once: to make the center's own account on the host. The saga
// knows that account from its start, so that what was done on the host can be undone after a crash
// with no help of anybody.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/hosts/host_events.hpp"
#include "center/hosts/host_operations.hpp"
#include "center/hosts/host_record.hpp"
#include "center/tree/numbers.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::seconds kFirstPicture{30};
constexpr std::chrono::milliseconds kLook{25};

// Keeps a name or UUID from being added twice at a time.
class Claim {
public:
    Claim(std::set<std::string>& claimed, std::string key)
        : claimed_(claimed), key_(std::move(key)), is_mine_(claimed_.insert(key_).second) {}
    ~Claim() {
        if (is_mine_) claimed_.erase(key_);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    bool is_mine() const { return is_mine_; }

private:
    std::set<std::string>& claimed_;
    std::string key_;
    bool is_mine_;
};

vim::Fault already_connected(const std::string& name) {
    auto fault = vim::AlreadyConnected::make();
    fault.set_name(name);
    return vim::Fault(fault, fmt::format("The host {} is in this inventory already.", name));
}

json json_of(const LinkTarget& target) {
    return {{"address", target.address},
            {"port", target.port},
            {"thumbprint", target.thumbprint_sha256},
            {"user", target.user},
            {"password", target.password}};
}

LinkTarget target_of(const json& value) {
    LinkTarget target;
    target.address = value.at("address");
    target.port = value.at("port");
    target.thumbprint_sha256 = value.at("thumbprint");
    target.user = value.at("user");
    target.password = value.at("password");
    return target;
}

}  // namespace

Awaitable<Host*> HostOperations::add(Addition addition, task::TaskContextPtr task) {
    std::exception_ptr failure;
    try {
        if (addition.folder) context_.tree.require_takes(addition.folder, TypeId::ComputeResource);
        Found found =
            co_await look(addition.spec, std::string(addition.spec.sslThumbprint().value_or("")));
        task->set_progress(30);
        co_return co_await add_found(addition, std::move(found), task);
    } catch (const vim::Fault& fault) {
        post_failure(addition, fault);
        failure = std::current_exception();
    }
    std::rethrow_exception(failure);
}

void HostOperations::post_failure(const Addition& addition, const vim::Fault& fault) {
    auto event = vim::HostAddFailedEvent::make();
    event.set_hostname(addition.spec.hostName().value_or(""));
    if (addition.cluster) set_place(event, context_, addition.cluster);
    if (addition.folder) {
        if (const MoRef place = context_.tree.datacenter_of(addition.folder)) {
            auto argument = vim::DatacenterEventArgument::make();
            argument.set_datacenter(place);
            argument.set_name(context_.inventory.get(place)
                                  .property(vim::property::ManagedEntity::name)
                                  .as_string());
            event.set_datacenter(argument);
        }
    }
    context_.events.post(event, addition.user);
    base::log_info("the host {} was not added: {}", addition.spec.hostName().value_or(""),
                   fault.message());
}

void HostOperations::require_new(const Addition& addition, const Found& found) const {
    const std::string name = found.address.name();
    if (const Host* same = hosts_.find_by_uuid(found.uuid)) throw already_connected(same->name);
    if (const Host* other = hosts_.find_by_name(name)) {
        auto fault = vim::DuplicateName::make();
        fault.set_name(name);
        fault.set_object(other->ref);
        throw vim::Fault(fault, fmt::format("There is another host {}.", name));
    }
    if (addition.folder) context_.tree.require_free_name(addition.folder, name);
    const bool is_ours =
        found.manager.empty() || found.manager == context_.config.management_address;
    if (is_ours || addition.spec.force()) return;
    auto fault = vim::AlreadyBeingManaged::make();
    fault.set_ipAddress(found.manager);
    throw vim::Fault(fault, fmt::format("The host {} is managed by the center {}; `force` takes it "
                                        "over.",
                                        name, found.manager));
}

Awaitable<Host*> HostOperations::add_found(Addition addition, Found found,
                                           task::TaskContextPtr task) {
    const std::string name = found.address.name();
    const Claim by_name(being_added_, name);
    const Claim by_uuid(being_added_, found.uuid);
    if (!by_name.is_mine() || !by_uuid.is_mine()) throw already_connected(name);
    require_new(addition, found);
    if (addition.cluster && hosts_.join_check_) {
        co_await hosts_.join_check_(addition.cluster, {name, {}, found.link});
    }

    const auto account = HostAccount::make(context_.random);
    const auto host = std::make_shared<Host>();
    host->ref = context_.numbers.next(TypeId::HostSystem);
    host->compute_resource =
        addition.cluster ? addition.cluster : context_.numbers.next(TypeId::ComputeResource);
    host->uuid = found.uuid;
    host->name = name;
    host->desired = addition.connect ? DesiredState::connected : DesiredState::disconnected;
    host->target = {found.address.address, found.address.port, found.thumbprints.sha256,
                    account.user, account.password};
    host->thumbprint = found.thumbprints.sha1;
    host->last_summary = vim::HostListSummary(without_references(found.info.host().raw()));

    const json parameters{{"target", json_of(host->target)},
                          {"manager", found.manager},
                          {"folder", addition.folder.id},
                          {"computeResource", host->compute_resource.id},
                          {"name", name}};
    co_await context_.sagas.run(adding(parameters.dump(), found.link, host));
    task->set_progress(70);
    Host& installed = hosts_.install(std::make_unique<Host>(std::move(*host)));
    context_.events.post(host_event<vim::HostAddedEvent>(context_, installed), addition.user);
    base::log_info("audit: '{}' added the host {} as {}", addition.user, name, installed.ref.id);
    const MoRef ref = installed.ref;
    if (addition.connect) {
        installed.link->run();
        co_await wait_until_shown(ref);
        if (addition.cluster && hosts_.joined_) co_await hosts_.joined_(addition.cluster);
    } else {
        installed.link->stop();
    }
    co_return &get(ref);
}

// Four steps: the account, who manages the host, a log-in with that account (whose session goes on
// to be the link's), and the compute resource. The record comes with the end of the saga.
task::Saga HostOperations::adding(std::string parameters, std::shared_ptr<HostLink> administrator,
                                  std::shared_ptr<Host> host) {
    const json values = json::parse(parameters);
    const LinkTarget target = target_of(values.at("target"));
    const std::string manager = values.at("manager");
    const MoRef folder{TypeId::Folder, values.at("folder").get<std::string>()};
    const MoRef compute{folder ? TypeId::ComputeResource : TypeId::ClusterComputeResource,
                        values.at("computeResource").get<std::string>()};
    const std::string name = values.at("name");
    task::Saga saga;
    saga.kind = "host.add";
    saga.parameters = std::move(parameters);
    saga.steps.push_back({"account",
                          [this, administrator, target] {
                              return create_account(
                                  *administrator, {target.user, target.password},
                                  "The center at " + context_.config.management_address);
                          },
                          [this, administrator, target]() -> Awaitable<void> {
                              if (administrator)
                                  co_return co_await remove_account(*administrator, target.user);
                              co_await leave_host(context_.runtime, target, {});
                          }});
    saga.steps.push_back({"manager",
                          [this, administrator] {
                              return set_manager(*administrator,
                                                 context_.config.management_address);
                          },
                          [this, administrator, target, manager]() -> Awaitable<void> {
                              if (administrator) {
                                  co_return co_await set_manager(*administrator, manager);
                              }
                              co_await leave_host(context_.runtime, target, manager);
                          }});
    saga.steps.push_back({"log in",
                          [this, host, target]() -> Awaitable<void> {
                              host->link = std::make_unique<HostLink>(context_.runtime, target);
                              co_await host->link->connect();
                          },
                          {}});
    saga.steps.push_back({"compute resource",
                          [this, folder, name, compute]() -> Awaitable<void> {
                              if (folder)
                                  co_await context_.tree.add_compute_resource(folder, name,
                                                                              compute);
                              if (!folder && context_.inventory.find(compute) == nullptr) {
                                  throw vim::object_not_found(compute);
                              }
                          },
                          [this, folder, compute]() -> Awaitable<void> {
                              if (folder) co_await context_.tree.remove_compute_resource(compute);
                          }});
    saga.result = [host] { return store::Batch().put(record_of(*host)); };
    return saga;
}

// Whoever waits for the task expects to see the host's objects. A host that falls silent right now
// was added all the same.
Awaitable<void> HostOperations::wait_until_shown(MoRef ref) {
    const auto begun = context_.runtime.clock().steady_now();
    while (context_.runtime.clock().steady_now() - begun < kFirstPicture) {
        const Host* host = hosts_.find(ref);
        const auto* object = context_.inventory.find(ref);
        if (host == nullptr || object == nullptr) co_return;
        const LinkState state = host->link->state();
        const bool is_shown =
            state == LinkState::connected && object->property(vim::property::HostSystem::hardware);
        if (is_shown || (state != LinkState::connected && state != LinkState::connecting))
            co_return;
        co_await context_.runtime.sleep(kLook);
    }
}

}  // namespace drover::center
