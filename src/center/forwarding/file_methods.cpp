// FileManager and VirtualDiskManager: a path names a datastore of a datacenter, and any host that
// reaches it can do the work.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "center/forwarding/placement.hpp"
#include "center/references.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

struct Argument {
    std::string_view path;
    std::string_view datacenter;
};

constexpr auto kArguments = std::to_array<Argument>({
    {"name", "datacenter"},
    {"sourceName", "sourceDatacenter"},
    {"destinationName", "destinationDatacenter"},
    {"destName", "destDatacenter"},
});

struct Places {
    MoRef datacenter;
    std::vector<std::string> datastores;
};

// The destination's datacenter is the source's where it is not named.
Places places_of(const Value& request) {
    Places places;
    for (const Argument& each : kArguments) {
        const Value& path = request.property(each.path);
        if (!path) continue;
        const std::string name(datastore_name(path.as_string()));
        if (name.empty()) {
            auto fault = vim::InvalidDatastorePath::make();
            fault.set_name(path.as_string());
            fault.set_datastorePath(path.as_string());
            throw vim::Fault(fault,
                             fmt::format("'{}' is no path of a datastore.", path.as_string()));
        }
        places.datastores.push_back(name);
        const Value& datacenter = request.property(each.datacenter);
        if (!datacenter) continue;
        if (places.datacenter && places.datacenter != datacenter.as_moref()) {
            throw vim::make_fault<vim::NotSupported>(
                "Files can't be moved or copied from one datacenter to another.");
        }
        places.datacenter = datacenter.as_moref();
    }
    if (!places.datacenter) {
        throw vim::invalid_argument("datacenter",
                                    "A path needs the datacenter that its datastore is in.");
    }
    return places;
}

HostObject manager_for(Forwarding::Impl& impl, const Call& call) {
    const Places places = places_of(call.request);
    Host& host = choose_host_for_files(impl, places.datacenter, places.datastores);
    const vim::ServiceContent& content = host.link->content();
    const auto manager = call.self.type == TypeId::FileManager ? content.fileManager()
                                                               : content.virtualDiskManager();
    if (!manager) {
        throw vim::make_fault<vim::NotSupported>(
            fmt::format("The host '{}' has no such manager.", host.name));
    }
    return {&host, *manager};
}

void serve_manager(Forwarding::Impl& impl, const MoRef& manager) {
    auto& context = impl.context;
    if (context.inventory.find(manager) == nullptr) {
        model::Transaction transaction(context.inventory);
        transaction.create(manager.type, manager.id);
        transaction.commit();
    }
    for (const auto& method : vim::describe(manager.type).own_methods()) {
        const auto parameters = vim::describe(method.request).properties();
        const bool has_path = std::ranges::any_of(parameters, [](const auto& parameter) {
            return std::ranges::find(kArguments, parameter.name(), &Argument::path) !=
                   kArguments.end();
        });
        if (!has_path || context.dispatcher.serves(method)) continue;
        const std::string name(method.name());
        if (method.returns_task()) {
            context.methods.add_task(
                manager.type, name, description_of(method),
                [&impl, name](Call call, TaskContextPtr task) -> Awaitable<Value> {
                    const HostObject object = manager_for(impl, call);
                    co_return co_await impl.self.run_task(object, name, call.request, task);
                },
                true);
        } else {
            context.methods.add(manager.type, name, [&impl, name](Call call) -> Awaitable<Value> {
                const HostObject object = manager_for(impl, call);
                co_return co_await impl.self.call(object, name, call.request);
            });
        }
    }
}

}  // namespace

void serve_file_methods(Forwarding::Impl& impl) {
    serve_manager(impl, references::file_manager);
    serve_manager(impl, references::virtual_disk_manager);
}

}  // namespace drover::center
