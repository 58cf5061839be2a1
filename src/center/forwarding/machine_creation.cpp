// CreateVM_Task, RegisterVM_Task and their like on resource pools: the host makes the machine, the
// center puts it where it was asked to.

#include <fmt/format.h>

#include "center/forwarding/placement.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kAppearance{30};

struct Wish {
    MoRef folder;
    MoRef pool;
    MoRef host;
    std::string name;
    std::vector<std::string> datastores;
};

void check_place(Forwarding::Impl& impl, const Wish& wish) {
    Tree& tree = impl.context.tree;
    tree.require_takes(wish.folder, TypeId::VirtualMachine);
    if (!wish.name.empty()) tree.require_free_name(wish.folder, wish.name);
    if (!wish.pool) return;
    if (tree.datacenter_of(wish.pool) != tree.datacenter_of(wish.folder)) {
        throw vim::invalid_argument("pool",
                                    "The resource pool and the folder are of two datacenters.");
    }
}

// The datastores that a new machine's files are to be on, where it names any.
std::vector<std::string> datastores_of(const vim::VirtualMachineConfigSpec& config) {
    std::vector<std::string> names;
    const auto add = [&names](std::string_view path) {
        const std::string name(datastore_name(path));
        if (!name.empty()) names.push_back(name);
    };
    if (const auto files = config.files()) add(files.vmPathName().value_or(""));
    for (const auto& change : config.deviceChange()) {
        const auto backing = change.device().backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (backing) add(backing.fileName());
    }
    return names;
}

// Runs a task of the host's that makes a machine, and waits until the machine is in its place.
Awaitable<Value> make_machine(Forwarding::Impl& impl, MoRef host_ref, std::string_view method,
                              MoRef self, Value request, Mirror::Expected expected,
                              TaskContextPtr context) {
    const auto key = impl.mirror.expect_machine(std::move(expected));
    // However it ends.
    const std::shared_ptr<void> forget(nullptr,
                                       [&impl, key](void*) { impl.mirror.forget_expected(key); });
    const vim::TaskInfo info =
        co_await impl.self.follow(host_ref, method, self, std::move(request), context);
    Host* host = impl.hosts.find(host_ref);
    if (host == nullptr) throw vim::object_not_found(host_ref);
    impl.self.require_success(*host, info);
    const Value result = info.result();
    if (result.kind() != vim::ValueKind::moref) {
        throw vim::make_fault<vim::HostCommunication>("The host's task names no machine.");
    }
    co_await impl.mirror.refresh(*host, {result.as_moref()});
    host = impl.hosts.find(host_ref);
    if (host == nullptr) throw vim::object_not_found(host_ref);
    const MoRef machine = co_await impl.mirror.appearance(*host, result.as_moref(), kAppearance);
    if (!machine) {
        throw vim::make_fault<vim::HostCommunication>(
            "The host has made the machine, but does not show it yet.");
    }
    co_return Value::moref(machine);
}

MoRef root_pool_there(Forwarding::Impl& impl, const Host& host) {
    const auto pool =
        impl.mirror.host_ref_of(host, impl.context.tree.root_pool_of(host.compute_resource));
    if (!pool) throw vim::make_fault<vim::HostNotConnected>("The host is not known yet.");
    return *pool;
}

MoRef folder_there(Forwarding::Impl& impl, const Host& host, const MoRef& folder) {
    const auto there = impl.mirror.host_ref_of(host, folder);
    if (!there) throw vim::make_fault<vim::HostNotConnected>("The host is not known yet.");
    return *there;
}

Awaitable<Value> create(Forwarding::Impl& impl, Wish wish, vim::VirtualMachineConfigSpec config,
                        TaskContextPtr context) {
    wish.name = config.name().value_or("");
    wish.datastores = datastores_of(config);
    check_place(impl, wish);
    const MoRef resource = impl.context.tree.owner_of_pool(wish.pool);
    const Host& host = choose_host(impl, resource, wish.host, wish.datastores);
    // By its uuid the mirror knows it when it comes, so it needs one now.
    if (config.instanceUuid().value_or("").empty()) {
        config.set_instanceUuid(impl.context.random.uuid());
    }
    auto request = vim::CreateVM_TaskRequest::make();
    request.set_config(config);
    Value asked = impl.self.to_host(host, request.raw());
    vim::CreateVM_TaskRequest there(asked);
    there.set_pool(root_pool_there(impl, host));
    Mirror::Expected expected;
    expected.host = host.ref;
    expected.uuid = config.instanceUuid().value_or("");
    expected.folder = wish.folder;
    expected.pool = wish.pool;
    co_return co_await make_machine(impl, host.ref, "CreateVM_Task",
                                    folder_there(impl, host, wish.folder), there.raw(),
                                    std::move(expected), std::move(context));
}

Awaitable<Value> register_machine(Forwarding::Impl& impl, Wish wish, std::string path,
                                  bool as_template, TaskContextPtr context) {
    check_place(impl, wish);
    const std::string datastore(datastore_name(path));
    if (datastore.empty()) {
        auto fault = vim::InvalidDatastorePath::make();
        fault.set_name(path);
        fault.set_datastorePath(path);
        throw vim::Fault(fault, fmt::format("'{}' is no path of a datastore.", path));
    }
    MoRef resource;
    if (wish.pool) {
        resource = impl.context.tree.owner_of_pool(wish.pool);
    } else if (const Host* host = impl.hosts.find(wish.host)) {
        resource = host->compute_resource;
    }
    if (!resource) {
        throw vim::invalid_argument(as_template ? "host" : "pool",
                                    "Templates need a host, machines a resource pool.");
    }
    const Host& host = choose_host(impl, resource, wish.host, {datastore});
    auto request = vim::RegisterVM_TaskRequest::make();
    request.set_path(path);
    if (!wish.name.empty()) request.set_name(wish.name);
    request.set_asTemplate(as_template);
    const auto host_there = impl.mirror.host_ref_of(host, host.ref);
    if (as_template) {
        if (host_there) request.set_host(*host_there);
    } else {
        request.set_pool(root_pool_there(impl, host));
    }
    Mirror::Expected expected;
    expected.host = host.ref;
    expected.path = path;
    expected.folder = wish.folder;
    expected.pool = wish.pool;
    co_return co_await make_machine(impl, host.ref, "RegisterVM_Task",
                                    folder_there(impl, host, wish.folder), request.raw(),
                                    std::move(expected), std::move(context));
}

// Machines made in a pool go to the datacenter's own folder.
MoRef folder_of_pool(const Forwarding::Impl& impl, const MoRef& pool) {
    const Tree& tree = impl.context.tree;
    return tree.vm_folder_of(tree.datacenter_of(pool));
}

void serve_on_folders(Forwarding::Impl& impl) {
    auto& methods = impl.context.methods;
    methods.add_task(
        TypeId::Folder, "CreateVM_Task", "Folder.createVm",
        [&impl](Call call, TaskContextPtr context) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::CreateVM_TaskRequest>();
            Wish wish{call.self, asked.pool(), asked.host().value_or(MoRef{}), {}, {}};
            co_return co_await create(impl, wish, asked.config(), context);
        },
        true);
    methods.add_task(
        TypeId::Folder, "RegisterVM_Task", "Folder.registerVm",
        [&impl](Call call, TaskContextPtr context) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::RegisterVM_TaskRequest>();
            if (asked.asTemplate() == asked.pool().has_value()) {
                throw vim::invalid_argument("pool", asked.asTemplate()
                                                        ? "A template belongs to no resource pool."
                                                        : "Name the machine's resource pool.");
            }
            Wish wish{call.self,
                      asked.pool().value_or(MoRef{}),
                      asked.host().value_or(MoRef{}),
                      std::string(asked.name().value_or("")),
                      {}};
            co_return co_await register_machine(impl, wish, std::string(asked.path()),
                                                asked.asTemplate(), context);
        },
        true);
}

void serve_on_pools(Forwarding::Impl& impl) {
    auto& methods = impl.context.methods;
    methods.add_task(
        TypeId::ResourcePool, "CreateChildVM_Task", "ResourcePool.createVm",
        [&impl](Call call, TaskContextPtr context) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::CreateChildVM_TaskRequest>();
            Wish wish{
                folder_of_pool(impl, call.self), call.self, asked.host().value_or(MoRef{}), {}, {}};
            co_return co_await create(impl, wish, asked.config(), context);
        },
        true);
    methods.add_task(
        TypeId::ResourcePool, "RegisterChildVM_Task", "ResourcePool.registerVm",
        [&impl](Call call, TaskContextPtr context) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::RegisterChildVM_TaskRequest>();
            Wish wish{folder_of_pool(impl, call.self),
                      call.self,
                      asked.host().value_or(MoRef{}),
                      std::string(asked.name().value_or("")),
                      {}};
            co_return co_await register_machine(impl, wish, std::string(asked.path()), false,
                                                context);
        },
        true);
}

}  // namespace

void serve_machine_creation(Forwarding::Impl& impl) {
    serve_on_folders(impl);
    serve_on_pools(impl);
}

}  // namespace drover::center
