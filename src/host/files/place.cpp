#include "host/files/place.hpp"

#include <fmt/format.h>

#include "http/target.hpp"

namespace drover::host::files {

using storage::DatastorePath;

namespace {

constexpr std::string_view kVolumes = "ds:///vmfs/volumes/";
constexpr std::string_view kFolder = "/folder/";

[[noreturn]] void refuse(std::string_view name, std::string_view reason) {
    auto fault = vim::InvalidDatastorePath::make();
    fault.set_datastorePath(name);
    throw vim::Fault(fault, fmt::format("Invalid datastore path '{}': {}.", name, reason));
}

DatastorePath make_path(std::string_view name, std::string_view datastore,
                        std::string_view relative) {
    auto path = DatastorePath::make(datastore, relative);
    if (!path) refuse(name, path.error());
    return *std::move(path);
}

DatastorePath from_volume(const Datastores& datastores, std::string_view name) {
    const std::string_view rest = name.substr(kVolumes.size());
    const auto slash = rest.find('/');
    const std::string volume(rest.substr(0, slash));
    const DatastoreEntry* entry = datastores.find(vim::MoRef{vim::TypeId::Datastore, volume});
    if (entry == nullptr) entry = datastores.find(std::string_view(volume));
    if (entry == nullptr) refuse(name, "there is no such datastore");
    return make_path(name, entry->name, slash == rest.npos ? "" : rest.substr(slash + 1));
}

DatastorePath from_url(std::string_view name) {
    const auto target = http::Target::parse(name);
    if (!target) refuse(name, target.error());
    const auto datastore = target->query("dsName");
    if (!target->path().starts_with(kFolder) || !datastore) {
        refuse(name, "the address is not of the form https://host/folder/path?dsName=datastore");
    }
    return make_path(name, *datastore, std::string_view(target->path()).substr(kFolder.size()));
}

}  // namespace

Place find_place(const HostContext& context, std::string_view name) {
    DatastorePath path = name.starts_with(kVolumes) ? from_volume(context.datastores, name)
                         : name.starts_with("https://") || name.starts_with("http://")
                             ? from_url(name)
                             : Datastores::parse_path(name);
    DatastoreEntry& entry = context.datastores.of_path(path);
    return {std::move(path), &entry};
}

Place find_place(const HostContext& context, const task::Caller& caller, std::string_view name,
                 std::string_view privilege) {
    Place place = find_place(context, name);
    const auto& datastore = context.inventory.get(place.entry->ref);
    if (!context.readers(caller)->may_read(datastore, privilege)) {
        throw vim::no_permission(place.entry->ref, privilege);
    }
    return place;
}

void require_below_root(const Place& place) {
    if (place.path.is_root()) refuse(place.path.to_string(), "it is the datastore itself");
}

}  // namespace drover::host::files
