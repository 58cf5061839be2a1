#include "center/hosts/host_operations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "center/hosts/host_record.hpp"
#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// The task that holds a host: the oldest one that runs on it or on something above it, else (a
// cluster that takes it in) the oldest of all. The caller's own is newer.
MoRef holder_of(const CenterContext& context, const Host& host) {
    std::vector<MoRef> places{host.ref};
    for (MoRef at = host.compute_resource; at;) {
        places.push_back(at);
        const auto* object = context.inventory.find(at);
        const Value& parent =
            object != nullptr ? object->property(vim::property::ManagedEntity::parent) : Value{};
        at = parent ? parent.as_moref() : MoRef{};
    }
    MoRef oldest;
    for (const vim::TaskInfo& info : context.tasks.all()) {
        if (info.state() != vim::TaskInfoState::running) continue;
        if (info.entity() && std::ranges::find(places, *info.entity()) != places.end()) {
            return info.task();
        }
        if (!oldest) oldest = info.task();
    }
    return oldest;
}

}  // namespace

HostTurn::HostTurn(HostOperations& operations, Host& host)
    : operations_(operations), ref_(host.ref) {
    if (host.is_busy) {
        auto fault = vim::TaskInProgress::make();
        fault.set_task(holder_of(operations.context_, host));
        throw vim::Fault(fault, fmt::format("Another operation connects, moves or removes the "
                                            "host {}.",
                                            host.name));
    }
    host.is_busy = true;
}

HostTurn::~HostTurn() {
    if (Host* host = operations_.hosts_.find(ref_)) host->is_busy = false;
}

Host& HostOperations::get(const MoRef& ref) const {
    Host* host = hosts_.find(ref);
    if (host == nullptr) throw vim::object_not_found(ref);
    return *host;
}

Awaitable<void> HostOperations::store(const Host& host) {
    store::Batch batch;
    batch.put(record_of(host));
    co_await commit(context_, std::move(batch));
}

void HostOperations::declare_sagas() {
    context_.sagas.add_kind("host.add", [this](const std::string& parameters) {
        return adding(parameters, nullptr, nullptr);
    });
    context_.sagas.add_kind("host.move",
                            [this](const std::string& parameters) { return moving(parameters); });
    context_.sagas.add_kind("host.remove",
                            [this](const std::string& parameters) { return removing(parameters); });
}

void HostOperations::serve_queries() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("QueryHostConnectionInfo", [this](Call call) { return query_own(call); });
    dispatcher.add("QueryConnectionInfo", [this](Call call) {
        const auto request = call.arguments<vim::QueryConnectionInfoRequest>();
        auto spec = vim::HostConnectSpec::make();
        spec.set_hostName(request.hostname());
        spec.set_port(request.port());
        spec.set_userName(request.username());
        spec.set_password(request.password());
        if (request.sslThumbprint()) spec.set_sslThumbprint(*request.sslThumbprint());
        return query_connection(spec);
    });
    dispatcher.add("QueryConnectionInfoViaSpec", [this](Call call) {
        const auto request = call.arguments<vim::QueryConnectionInfoViaSpecRequest>();
        return query_connection(vim::HostConnectSpec(request.spec().raw()));
    });
}

void HostOperations::serve() {
    serve_queries();
    auto& tasks = context_.tasks;
    auto& dispatcher = context_.dispatcher;
    tasks.add_method(dispatcher, "AddHost_Task", "ClusterComputeResource.addHost",
                     [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
                         const auto request = call.arguments<vim::AddHost_TaskRequest>();
                         Addition addition;
                         addition.spec = vim::HostConnectSpec(request.spec().raw());
                         addition.connect = request.asConnected();
                         addition.cluster = call.self;
                         addition.user = call.caller->user;
                         const Host* host = co_await add(addition, task);
                         co_return Value::moref(host->ref);
                     });
    tasks.add_method(dispatcher, "AddStandaloneHost_Task", "Folder.addStandaloneHost",
                     [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
                         const auto request = call.arguments<vim::AddStandaloneHost_TaskRequest>();
                         Addition addition;
                         addition.spec = vim::HostConnectSpec(request.spec().raw());
                         addition.connect = request.addConnected();
                         addition.folder = call.self;
                         addition.user = call.caller->user;
                         const Host* host = co_await add(addition, task);
                         co_return Value::moref(host->compute_resource);
                     });
    tasks.add_method(dispatcher, "DisconnectHost_Task", "HostSystem.disconnect",
                     [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                         co_await disconnect(call.self, call.caller->user);
                         co_return Value{};
                     });
    tasks.add_method(dispatcher, "ReconnectHost_Task", "HostSystem.reconnect",
                     [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                         const auto request = call.arguments<vim::ReconnectHost_TaskRequest>();
                         co_await reconnect(call.self,
                                            vim::HostConnectSpec(request.cnxSpec().raw()));
                         co_return Value{};
                     });
    tasks.add_method(dispatcher, "MoveInto_Task", "ClusterComputeResource.moveInto",
                     [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                         const auto request = call.arguments<vim::MoveInto_TaskRequest>();
                         co_await move_into_cluster(call.self, request.host().to_vector());
                         co_return Value{};
                     });
    tasks.add_method(dispatcher, "MoveHostInto_Task", "ClusterComputeResource.moveHostInto",
                     [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                         const auto request = call.arguments<vim::MoveHostInto_TaskRequest>();
                         co_await move_into_cluster(call.self, {request.host()});
                         co_return Value{};
                     });
    context_.methods.add_task(TypeId::HostSystem, "Destroy_Task", "HostSystem.destroy",
                              [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                                  co_await remove(call.self, call.caller->user);
                                  co_return Value{};
                              });
    context_.tree.on_destroy(TypeId::HostSystem, [this](MoRef host, std::string user) {
        return remove(std::move(host), std::move(user));
    });
    context_.tree.on_move(TypeId::HostSystem, [this](MoRef host, MoRef to, std::string) {
        return move_into_folder(std::move(host), std::move(to));
    });
}

}  // namespace drover::center
