#include "center/mirror/host_mirror.hpp"

#include <algorithm>

#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostFormer = 1'000;

std::string text_of(const Value& value) {
    return value.kind() == ValueKind::string ? std::string(value.as_string()) : std::string();
}

// A property of a data object that may be unset.
const Value& part(const Value& value, std::string_view name) {
    static const Value unset{};
    return value.kind() == ValueKind::object ? value.property(name) : unset;
}

std::string number_of(const MoRef& host) {
    const auto dash = host.id.rfind('-');
    return dash == std::string::npos ? "-" + host.id : host.id.substr(dash);
}

}  // namespace

HostMirror::HostMirror(Host& its_host)
    : host(its_host),
      compute_resource(its_host.compute_resource),
      suffix(number_of(its_host.ref)) {}

void HostMirror::mark(const PictureObject& object,
                      const std::vector<model::PropertyIndex>& properties) {
    const auto [at, is_new] = dirty.try_emplace(object.ref.id);
    if (is_new) {
        (object.ref.type == TypeId::VirtualMachine ? machines : first).push_back(object.ref.id);
    }
    Dirty& entry = at->second;
    if (entry.all) return;
    for (const auto property : properties) {
        if (std::ranges::find(entry.properties, property) == entry.properties.end()) {
            entry.properties.push_back(property);
        }
    }
}

void HostMirror::mark_all(const PictureObject& object) {
    mark(object, {});
    dirty[object.ref.id] = {true, {}};
}

void HostMirror::remember_former(const std::string& host_id, const MoRef& ref) {
    if (former.insert_or_assign(host_id, ref).second) former_order.push_back(host_id);
    if (former_order.size() <= kMostFormer) return;
    former.erase(former_order.front());
    former_order.pop_front();
}

std::string HostMirror::own_id(std::string_view host_id) const {
    return std::string(host_id) + suffix;
}

std::string HostMirror::path_key(std::string_view datastore_path) const {
    const auto end = datastore_path.find(']');
    if (datastore_path.starts_with('[') && end != std::string_view::npos) {
        const auto url = url_of.find(std::string(datastore_path.substr(1, end - 1)));
        std::string_view rest = datastore_path.substr(end + 1);
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        if (url != url_of.end()) return url->second + std::string(rest);
    }
    return host.ref.id + ":" + std::string(datastore_path);
}

Identity HostMirror::identity_of(const PictureObject& machine) const {
    namespace property = vim::property::VirtualMachine;
    const Value& config = machine.property(property::config);
    const Value& shown = part(machine.property(property::summary), "config");
    Identity identity;
    identity.host = host.ref;
    identity.host_id = machine.ref.id;
    identity.uuid = text_of(part(config, "instanceUuid"));
    if (identity.uuid.empty()) identity.uuid = text_of(part(shown, "instanceUuid"));
    std::string path = text_of(part(part(config, "files"), "vmPathName"));
    if (path.empty()) path = text_of(part(shown, "vmPathName"));
    identity.path = path_key(path);
    return identity;
}

void HostMirror::learn(const PictureObject& object) {
    const auto reference = [&object](model::PropertyIndex index) {
        const Value& value = object.property(index);
        return value.kind() == ValueKind::moref ? value.as_moref() : MoRef{};
    };
    switch (object.ref.type) {
        case TypeId::HostSystem:
            host_system = object.ref;
            break;
        case TypeId::ComputeResource:
            own_compute_resource = object.ref;
            own_root_pool = reference(vim::property::ComputeResource::resourcePool);
            break;
        case TypeId::Datacenter:
            own_datacenter = object.ref;
            own_vm_folder = reference(vim::property::Datacenter::vmFolder);
            break;
        case TypeId::Datastore: {
            const Value& summary = object.property(vim::property::Datastore::summary);
            const std::string url = text_of(part(summary, "url"));
            std::erase_if(url_of, [&url](const auto& each) { return each.second == url; });
            if (!url.empty()) url_of[text_of(part(summary, "name"))] = url;
            datastore_of[reference(vim::property::Datastore::browser).id] = object.ref.id;
            break;
        }
        default:
            break;
    }
}

}  // namespace drover::center
