// A cluster as the mirror shows it, as what hosts are told is made from it.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "center/availability/high_availability.hpp"
#include "center/drs/cluster_view.hpp"
#include "center/drs/policy.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

std::vector<std::string> ids_of(const Value& list) {
    std::vector<std::string> ids;
    if (list.kind() != vim::ValueKind::array) return ids;
    for (const Value& each : list.elements()) ids.emplace_back(each.moref_id());
    return ids;
}

std::string text_of(const Value& value) {
    return value.kind() == vim::ValueKind::string ? std::string(value.as_string()) : std::string();
}

// "ds:///vmfs/volumes/<uuid>/" -> "<uuid>"
std::string uuid_of_url(std::string_view url) {
    if (url.ends_with('/')) url.remove_suffix(1);
    const auto slash = url.rfind('/');
    return slash == std::string_view::npos ? std::string() : std::string(url.substr(slash + 1));
}

// In the one form that hosts take; empty if it is none: one such machine must not keep the others
// from being protected.
std::string checked_uuid(std::string_view text) {
    constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";
    std::string made(text);
    bool is_one = made.size() == kForm.size();
    for (std::size_t at = 0; is_one && at < made.size(); ++at) {
        const auto byte = static_cast<unsigned char>(made[at]);
        made[at] = static_cast<char>(std::tolower(byte));
        is_one = kForm[at] == '-' ? byte == '-' : std::isxdigit(byte) != 0;
    }
    return is_one ? made : std::string();
}

bool is_numeric(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// Where this center reaches it, or, if that is a name, where it says that it is managed: hosts
// resolve no names for each other.
std::string address_of(const Host& host, const model::ManagedObject& object) {
    if (is_numeric(host.target.address)) return host.target.address;
    const vim::HostConfigInfo config(object.property(vim::property::HostSystem::config));
    if (!config || !config.network()) return {};
    for (const auto& nic : config.network().vnic()) {
        const auto spec = nic.spec();
        const std::string address(spec && spec.ip() ? spec.ip().ipAddress().value_or("") : "");
        if (is_numeric(address)) return address;
    }
    return {};
}

// The host has shown it over a connection that was verified by this very certificate.
std::string certificate_of(const model::ManagedObject& object) {
    const vim::HostConfigInfo config(object.property(vim::property::HostSystem::config));
    if (!config) return {};
    const auto bytes = config.certificate();
    std::string text(bytes.begin(), bytes.end());
    // Whoever wrote it perhaps put other things around it, which hosts would refuse.
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----\n";
    constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
    const auto begin = text.find(kBegin);
    const auto end = text.find(kEnd, begin);
    if (begin == std::string::npos || end == std::string::npos) return {};
    return text.substr(begin, end + kEnd.size() - begin) + "\n";
}

std::optional<DraftHost> look_at_host(const Host& host, const model::ManagedObject& object) {
    const vim::HostListSummary summary(object.property(vim::property::HostSystem::summary));
    if (!summary || !summary.hardware() || host.uuid.empty()) return std::nullopt;
    const auto hardware = summary.hardware();
    DraftHost made;
    made.uuid = host.uuid;
    made.name = text_of(object.property(vim::property::ManagedEntity::name));
    if (made.name.empty()) made.name = host.name;
    made.cpu_mhz = static_cast<double>(hardware.cpuMhz()) * hardware.numCpuCores();
    made.memory_mb = hardware.memorySize() / kMebibyte;
    made.datastores = ids_of(object.property(vim::property::HostSystem::datastore));
    made.networks = ids_of(object.property(vim::property::HostSystem::network));
    made.address = address_of(host, object);
    made.certificate = certificate_of(object);
    return made;
}

std::optional<DraftMachine> look_at_machine(const model::ManagedObject& object) {
    namespace property = vim::property::VirtualMachine;
    const vim::VirtualMachineSummary summary(object.property(property::summary));
    if (!summary || !summary.config() || summary.config().template_()) return std::nullopt;
    const auto config = summary.config();
    DraftMachine made;
    made.id = object.id();
    made.uuid = checked_uuid(config.uuid().value_or(""));
    made.name = text_of(object.property(vim::property::ManagedEntity::name));
    made.vmx = config.vmPathName();
    made.datastores = ids_of(object.property(property::datastore));
    made.networks = ids_of(object.property(property::network));
    made.vcpus = std::max(1, config.numCpu().value_or(1));
    made.memory_mb = config.memorySizeMB().value_or(0);
    made.cpu_reservation_mhz = std::max(0, config.cpuReservation().value_or(0));
    made.memory_reservation_mb = std::max(0, config.memoryReservation().value_or(0));
    return made;
}

void add_datastores(const model::Inventory& inventory, DraftCluster& cluster) {
    std::set<std::string> ids;
    for (const auto& host : cluster.hosts)
        ids.insert(host.datastores.begin(), host.datastores.end());
    for (const auto& id : ids) {
        const auto* object = inventory.find(MoRef{TypeId::Datastore, id});
        if (object == nullptr) continue;
        const vim::DatastoreSummary summary(object->property(vim::property::Datastore::summary));
        if (!summary) continue;
        cluster.datastores.push_back(
            {id, uuid_of_url(summary.url()), std::string(summary.name()), summary.freeSpace()});
    }
}

}  // namespace

std::optional<DraftCluster> look_at_cluster(const MigrationParts& parts, const MoRef& cluster) {
    const auto& inventory = parts.context.inventory;
    const auto* object = inventory.find(cluster);
    if (object == nullptr) return std::nullopt;
    const Value& config = object->property(vim::property::ComputeResource::configurationEx);
    DraftCluster made;
    made.settings = das_settings(config);
    made.memory_overcommit = drs_policy(config).memory_overcommit;
    ClusterView view;  // for the rules, which name hosts and machines by their places
    bool is_whole = true;
    std::set<std::string> known;
    parts.hosts.for_each([&](const Host& host) {
        if (host.compute_resource != cluster) return;
        const auto* shown = inventory.find(host.ref);
        auto about = shown != nullptr ? look_at_host(host, *shown) : std::nullopt;
        if (!about) {
            is_whole = false;
            return;
        }
        made.hosts.push_back(*std::move(about));
        view.hosts.push_back(host.ref);
        for (const auto& id : ids_of(shown->property(vim::property::HostSystem::vm))) {
            const auto* machine = inventory.find(MoRef{TypeId::VirtualMachine, id});
            if (machine == nullptr || !known.insert(id).second) continue;
            auto found = look_at_machine(*machine);
            if (!found) continue;
            made.machines.push_back(*std::move(found));
            view.machines.push_back(machine->ref());
        }
    });
    if (!is_whole) return std::nullopt;
    add_rules(view, config);
    made.rules = std::move(view.snapshot.rules);
    add_datastores(inventory, made);
    return made;
}

}  // namespace drover::center
