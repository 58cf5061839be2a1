// The name of what several hosts have is one name: they all get it, or none does.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/forwarding/forwarding_impl.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

using Renamed = std::vector<std::pair<MoRef, std::string>>;  // hosts, and the name it had there

// Hosts may go while another is spoken with; what is gone needs no name.
Awaitable<void> rename_on(Forwarding::Impl& impl, MoRef host_ref, MoRef datastore,
                          std::string name) {
    Host* host = impl.hosts.find(host_ref);
    if (host == nullptr) co_return;
    const auto there = impl.mirror.host_ref_of(*host, datastore);
    if (!there) co_return;
    auto request = vim::RenameDatastoreRequest::make();
    request.set_newName(name);
    co_await impl.self.call({host, *there}, "RenameDatastore", request.raw());
}

std::string name_on(Forwarding::Impl& impl, const Host& host, const MoRef& datastore) {
    const auto there = impl.mirror.host_ref_of(host, datastore);
    const Value name =
        there ? impl.mirror.said_of(host, *there, vim::property::ManagedEntity::name) : Value{};
    return name ? std::string(name.as_string()) : impl.name_of(datastore);
}

Awaitable<void> give_back(Forwarding::Impl& impl, MoRef datastore, Renamed renamed) {
    for (const auto& [host, former] : renamed) {
        try {
            co_await rename_on(impl, host, datastore, former);
        } catch (const std::exception& error) {
            base::log_warning("{}: datastore '{}' stays renamed: {}", host.id, former,
                              error.what());
        }
    }
}

Awaitable<void> rename_shared(Forwarding::Impl& impl, MoRef datastore, std::string name) {
    require_free_name(impl, datastore, name);
    Renamed homes;
    for (const Host* host : impl.mirror.hosts_of(datastore)) {
        // One that is silent would come back with the old name.
        Forwarding::require_connected(*host);
        homes.emplace_back(host->ref, name_on(impl, *host, datastore));
    }
    if (homes.empty()) impl.self.home_of(datastore);  // throws what is the matter
    Renamed renamed;
    std::exception_ptr failure;
    for (const auto& home : homes) {
        try {
            co_await rename_on(impl, home.first, datastore, name);
            renamed.push_back(home);
        } catch (...) {
            failure = std::current_exception();
            break;
        }
    }
    if (!failure) co_return;
    co_await give_back(impl, std::move(datastore), std::move(renamed));
    std::rethrow_exception(failure);
}

}  // namespace

void serve_shared_names(Forwarding::Impl& impl) {
    auto& context = impl.context;
    context.methods.add(TypeId::Datastore, "RenameDatastore",
                        [&impl](Call call) -> Awaitable<Value> {
                            const auto asked = call.arguments<vim::RenameDatastoreRequest>();
                            co_await rename_shared(impl, call.self, std::string(asked.newName()));
                            co_return Value{};
                        });
    context.methods.add_task(TypeId::Datastore, "Rename_Task", "ManagedEntity.rename",
                             [&impl](Call call, TaskContextPtr) -> Awaitable<Value> {
                                 const auto asked = call.arguments<vim::Rename_TaskRequest>();
                                 co_await rename_shared(impl, call.self,
                                                        std::string(asked.newName()));
                                 co_return Value{};
                             });
}

}  // namespace drover::center
