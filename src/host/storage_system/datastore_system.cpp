#include "host/storage_system/datastore_system.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/datastores.hpp"
#include "host/references.hpp"
#include "rootd/client.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::HostDatastoreSystem;

namespace {

constexpr std::size_t kMostNameBytes = 80;
constexpr std::size_t kMostDatastores = 256;
constexpr std::chrono::seconds kPrepareLimit{30};

vim::Fault config_fault(std::string message) {
    return vim::make_fault<vim::HostConfigFault>(std::move(message));
}

std::string own_group() {
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(16 * 1024);
    ::getgrgid_r(::getegid(), &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? std::to_string(::getegid()) : std::string(found->gr_name);
}

// Makes the directory through the root helper, where that may. Blocks. A reason, if neither it
// nor the administrator has made one that we can use.
std::string prepare(rootd::Client* rootd, const std::filesystem::path& path) {
    std::string reason = "is no directory";
    if (rootd != nullptr) {
        try {
            rootd->prepare_datastore(path, own_group());
        } catch (const std::exception& error) {
            reason = error.what();
        }
    }
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) return reason;
    if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return "the host agent may not use it";
    return {};
}

bool lies_within(const std::filesystem::path& inner, const std::filesystem::path& outer) {
    return std::ranges::mismatch(inner, outer).in2 == outer.end();
}

Awaitable<Value> create_local(const HostContext& context, task::Call call) {
    const auto request = call.arguments<vim::CreateLocalDatastoreRequest>();
    const std::string name(request.name());
    check_datastore_name(context, name);
    const std::filesystem::path path =
        std::filesystem::path(std::string(request.path())).lexically_normal();
    if (!path.is_absolute() || path.native().size() > 4000) {
        throw vim::invalid_argument("path", "The path must be absolute.");
    }
    if (context.datastores.all().size() >= kMostDatastores) {
        throw config_fault(fmt::format("There are {} datastores already.", kMostDatastores));
    }
    for (const auto& other : context.datastores.all()) {
        if (lies_within(path, other->path) || lies_within(other->path, path)) {
            throw config_fault(fmt::format("{} and datastore '{}' ({}) lie within each other.",
                                           path.string(), other->name, other->path.string()));
        }
    }
    const std::string failure = co_await context.runtime.blocking(
        "rootd", [rootd = context.rootd, path] { return prepare(rootd, path); }, kPrepareLimit);
    if (!failure.empty()) {
        auto fault = vim::FileNotFound::make();
        fault.set_file(path.string());
        throw vim::Fault(fault, fmt::format("{}: {}.", path.string(), failure));
    }
    check_datastore_name(context, name);  // somebody may have been quicker
    const DatastoreEntry* made = co_await context.datastores.add(name, path);
    base::log_info("audit: '{}' makes datastore '{}' of {}", call.caller->user, name,
                   path.string());
    co_return Value::moref(made->ref);
}

void require_no_machines(const HostContext& context, const DatastoreEntry& entry) {
    const Value& machines = context.inventory.get(entry.ref).property(vim::property::Datastore::vm);
    if (!machines || machines.elements().empty()) return;
    auto fault = vim::ResourceInUse::make();
    fault.set_type("Datastore");
    fault.set_name(entry.name);
    throw vim::Fault(fault, fmt::format("{} machines are registered on datastore '{}'.",
                                        machines.elements().size(), entry.name));
}

Awaitable<void> remove(const HostContext& context, vim::MoRef ref) {
    DatastoreEntry* entry = context.datastores.find(ref);
    if (entry == nullptr || ref.type != TypeId::Datastore) {
        throw vim::make_fault<vim::NotFound>(fmt::format("There is no datastore '{}'.", ref.id));
    }
    require_no_machines(context, *entry);
    if (entry->is_configured) {
        throw config_fault(
            fmt::format("'{}' belongs to the host's configuration file.", entry->name));
    }
    co_await context.datastores.remove(*entry);
}

// Each by itself: one that stays does not keep the others.
Awaitable<Value> remove_all(const HostContext& context, task::Call call) {
    const Value list = call.request.property("datastore");
    std::vector<Value> results;
    for (const Value& each : list ? list.elements() : std::span<const Value>{}) {
        auto result = vim::HostDatastoreSystemDatastoreResult::make();
        result.set_key(each.as_moref());
        try {
            co_await remove(context, each.as_moref());
        } catch (const vim::Fault& fault) {
            result.set_fault(fault.localized());
        }
        results.push_back(result.raw());
    }
    co_return Value::array(TypeId::HostDatastoreSystemDatastoreResult, std::move(results));
}

}  // namespace

void check_datastore_name(const HostContext& context, std::string_view name) {
    const bool plain = std::ranges::none_of(name, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\' ||
               c == '[' || c == ']';
    });
    if (name.empty() || name.size() > kMostNameBytes || !plain || name.starts_with('.')) {
        auto fault = vim::InvalidName::make();
        fault.set_name(name);
        fault.set_entity(references::datastore_folder);
        throw vim::Fault(fault, fmt::format("'{}' can't be a datastore's name.", name));
    }
    if (const DatastoreEntry* other = context.datastores.find(name)) {
        auto fault = vim::DuplicateName::make();
        fault.set_name(name);
        fault.set_object(other->ref);
        throw vim::Fault(fault, fmt::format("There is a datastore '{}' already.", name));
    }
}

void serve_datastore_system(const HostContext& context) {
    const auto& self = references::datastore_system;
    auto capabilities = vim::HostDatastoreSystemCapabilities::make();
    capabilities.set_nfsMountCreationRequired(false);
    capabilities.set_nfsMountCreationSupported(false);
    capabilities.set_localDatastoreSupported(true);
    capabilities.set_vmfsExtentExpansionSupported(false);
    std::vector<Value> datastores;
    for (const auto& entry : context.datastores.all()) {
        datastores.push_back(Value::moref(entry->ref));
    }
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, property::capabilities, capabilities.raw());
    transaction.set(self, property::datastore,
                    Value::array(TypeId::Datastore, std::move(datastores)));
    transaction.commit();
    auto& dispatcher = context.dispatcher;
    dispatcher.add("CreateLocalDatastore",
                   [&context](task::Call call) { return create_local(context, std::move(call)); });
    dispatcher.add("RemoveDatastore", [&context](task::Call call) -> Awaitable<Value> {
        co_await remove(context, call.arguments<vim::RemoveDatastoreRequest>().datastore());
        co_return Value{};
    });
    dispatcher.add("DestroyDatastore", [&context](task::Call call) -> Awaitable<Value> {
        co_await remove(context, call.self);
        co_return Value{};
    });
    context.tasks.add_method(dispatcher, "RemoveDatastoreEx_Task",
                             "HostDatastoreSystem.removeDatastoreEx",
                             [&context](task::Call call, task::TaskContextPtr) {
                                 return remove_all(context, std::move(call));
                             });
    // No disk is left for VMFS, which this host does not make.
    dispatcher.add_direct("QueryAvailableDisksForVmfs", [](const task::Call&) { return Value{}; });
    dispatcher.add_direct("QueryUnresolvedVmfsVolumes", [](const task::Call&) { return Value{}; });
    for (const std::string_view method : {"CreateVmfsDatastore", "CreateNasDatastore"}) {
        dispatcher.add_direct(method, [](const task::Call&) -> Value {
            throw vim::make_fault<vim::NotSupported>(
                "This host makes datastores of directories only (CreateLocalDatastore); mount the "
                "file system first.");
        });
    }
}

}  // namespace drover::host
