// PlaceVm: where a machine would best be that is to be created, cloned, moved or changed, and on
// which datastore its files.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "center/drs/host_choices.hpp"
#include "center/forwarding/placement.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using Kind = vim::PlacementSpecPlacementType;

namespace {

constexpr std::string_view kSpec = "placementSpec";
constexpr std::string_view kReason = "xvmotionPlacement";
constexpr std::size_t kMostOffered = 5;
constexpr double kMebibyte = 1 << 20;
constexpr std::int64_t kMostMemoryMb = std::int64_t{1} << 30;
constexpr std::int32_t kMostCpus = 4096;
constexpr std::int64_t kMostDiskBytes = std::int64_t{1} << 60;
constexpr std::chrono::minutes kThinkLimit{5};

vim::Fault wrong(std::string_view property, std::string message) {
    return vim::invalid_argument(fmt::format("{}.{}", kSpec, property), std::move(message));
}

std::span<const Value> elements_of(const Value& list) {
    return list.kind() == vim::ValueKind::array ? list.elements() : std::span<const Value>{};
}

bool contains(const Value& list, const MoRef& ref) {
    return std::ranges::any_of(elements_of(list),
                               [&](const Value& each) { return each.as_moref() == ref; });
}

Kind kind_of(const vim::PlacementSpec& spec) {
    if (!spec.placementType()) return spec.vm() ? Kind::relocate : Kind::create;
    const auto kind = vim::parse_enum<Kind>(*spec.placementType());
    if (!kind) {
        throw wrong("placementType",
                    fmt::format("There is no kind of placement '{}'.", *spec.placementType()));
    }
    return *kind;
}

/// Where files may be, and how much they take.
struct Files {
    std::vector<MoRef> datastores;  ///< that may be chosen
    std::vector<MoRef> needed;      ///< that the machine uses, wherever it goes
    std::vector<MoRef> present;     ///< where all may stay as it is
    std::int64_t bytes = 0;
};

class Placing {
public:
    Placing(Drs& drs, const Call& call)
        : parts_(drs.parts()),
          drs_(drs),
          cluster_(call.self),
          asked_(call.arguments<vim::PlaceVmRequest>().placementSpec()),
          kind_(kind_of(asked_)),
          relocate_(asked_.relocateSpec()) {
        if (kind_ == Kind::clone && !relocate_ && asked_.cloneSpec()) {
            relocate_ = asked_.cloneSpec().location();
        }
        machine_ = asked_.vm().value_or(MoRef{});
        require_valid(call);
    }

    Awaitable<Value> run() {
        const auto view = std::make_shared<ClusterView>(view_of());
        if (view->hosts.empty()) {
            throw vim::make_fault<vim::InvalidState>("No host of the cluster is connected.");
        }
        const plan::MachineIndex index = machine_in(*view);
        restrict(*view, index);
        find_files();
        HostChoices choices = co_await parts_.context.runtime.blocking(
            "drs:" + cluster_.id, [view, index] { return choose_hosts(*view, index); },
            kThinkLimit);
        std::optional<plan::HostIndex> present;
        if (kind_ == Kind::relocate || kind_ == Kind::reconfigure) {
            present = view->host(host_of(parts_, machine_));
        }
        prefer(choices, present);
        if (choices.hosts.empty()) {
            add(no_room(*view, index, choices, name_of(parts_.context, cluster_)).localized());
        }
        for (const auto& choice : choices.hosts) {
            if (offers_.size() >= kMostOffered) break;
            co_await offer(view->hosts[choice.host], choice.rating);
        }
        co_return result();
    }

private:
    const Value& property_of(const MoRef& object, model::PropertyIndex property) const {
        return parts_.context.inventory.get(object).property(property);
    }

    void require_valid(const Call& call) const {
        if (!machine_ && kind_ != Kind::create) throw wrong("vm", "No machine is named.");
        if (machine_) {
            if (parts_.context.inventory.get(machine_).type() != TypeId::VirtualMachine) {
                throw wrong("vm", "It is no machine.");
            }
            constexpr std::string_view kPrivilege = "System.Read";
            if (!parts_.context.authorization.may(*call.caller, machine_, kPrivilege)) {
                throw vim::no_permission(machine_, kPrivilege);
            }
        }
        const bool needs_config = kind_ == Kind::create || kind_ == Kind::reconfigure;
        if (needs_config && !asked_.configSpec()) {
            throw wrong("configSpec", "The machine's configuration is not given.");
        }
        if (!asked_.storagePods().empty()) throw wrong("storagePods", "There are none here.");
        if (relocate_ && relocate_.service()) {
            throw wrong("relocateSpec.service", "Machines move within one center.");
        }
        for (const MoRef& host : asked_.hosts()) require_host(host, "hosts");
        if (relocate_ && relocate_.host()) require_host(*relocate_.host(), "relocateSpec.host");
        const auto pool = relocate_ ? relocate_.pool() : std::nullopt;
        if (pool && parts_.context.tree.owner_of_pool(*pool) != cluster_) {
            throw wrong("relocateSpec.pool", "The resource pool is not of this cluster.");
        }
    }

    void require_host(const MoRef& ref, std::string_view property) const {
        const Host* host = parts_.hosts.find(ref);
        if (host != nullptr && host->compute_resource == cluster_) return;
        throw wrong(property, "The host does not belong to this cluster.");
    }

    // With the rules that the caller adds.
    ClusterView view_of() const {
        const bool lifted = kind_ == Kind::relocate || kind_ == Kind::reconfigure;
        ClusterView view =
            lifted ? drs_.look(cluster_, std::vector{machine_}) : drs_.look(cluster_);
        const auto rules = asked_.rules().to_vector();
        if (rules.empty()) return view;
        auto config = vim::ClusterConfigInfoEx::make();
        config.set_rule(rules);
        add_rules(view, config.raw());
        return view;
    }

    MoRef pool() const {
        if (relocate_ && relocate_.pool()) return *relocate_.pool();
        if (machine_ && kind_ != Kind::clone) {
            const Value& own = property_of(machine_, vim::property::VirtualMachine::resourcePool);
            if (own && parts_.context.tree.owner_of_pool(own.as_moref()) == cluster_) {
                return own.as_moref();
            }
        }
        return parts_.context.tree.root_pool_of(cluster_);
    }

    plan::MachineIndex machine_in(ClusterView& view) const {
        std::optional<plan::MachineIndex> index;
        if (kind_ == Kind::relocate || kind_ == Kind::reconfigure) index = view.machine(machine_);
        if (!index) index = add_newcomer(view, machine_ ? shape_of_machine() : plan::Machine{});
        plan::Machine& machine = view.snapshot.machines[*index];
        if (asked_.configSpec()) apply_config(machine);
        if (asked_.cloneName()) machine.name = *asked_.cloneName();
        machine.pool = view.pool(pool());
        machine.datastores.clear();  // files() knows better
        return *index;
    }

    plan::Machine shape_of_machine() const {
        plan::Machine made;
        made.name = name_of(parts_.context, machine_);
        const vim::VirtualMachineSummary summary(
            property_of(machine_, vim::property::VirtualMachine::summary));
        if (summary && summary.config()) {
            made.vcpus =
                static_cast<std::uint32_t>(std::max(1, summary.config().numCpu().value_or(1)));
            made.memory_configured_bytes = summary.config().memorySizeMB().value_or(0) * kMebibyte;
        }
        const vim::ResourceConfigSpec config(
            property_of(machine_, vim::property::VirtualMachine::resourceConfig));
        if (config) {
            made.cpu = allocation_of(config.cpuAllocation(), 1);
            made.memory = allocation_of(config.memoryAllocation(), kMebibyte);
        }
        for (const Value& each :
             elements_of(property_of(machine_, vim::property::VirtualMachine::network))) {
            made.networks.emplace_back(each.moref_id());
        }
        return made;
    }

    void apply_config(plan::Machine& machine) const {
        const auto config = asked_.configSpec();
        const auto cpus = config.numCPUs().value_or(static_cast<std::int32_t>(machine.vcpus));
        if (cpus < 1 || cpus > kMostCpus) {
            throw wrong("configSpec.numCPUs", "A machine has at least one CPU.");
        }
        machine.vcpus = static_cast<std::uint32_t>(cpus);
        if (const auto memory_mb = config.memoryMB()) {
            if (*memory_mb < 1 || *memory_mb > kMostMemoryMb) {
                throw wrong("configSpec.memoryMB", "No machine has so much memory.");
            }
            machine.memory_configured_bytes = static_cast<double>(*memory_mb) * kMebibyte;
            machine.memory_demand_bytes =
                std::min(machine.memory_demand_bytes, machine.memory_configured_bytes);
        }
        if (const auto name = config.name()) machine.name = *name;
        if (config.cpuAllocation()) machine.cpu = allocation_of(config.cpuAllocation(), 1);
        if (config.memoryAllocation()) {
            machine.memory = allocation_of(config.memoryAllocation(), kMebibyte);
        }
        for (const auto& change : config.deviceChange()) {
            const auto backing =
                change.device().backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
            if (backing) machine.networks.push_back(network_named(backing.deviceName()));
        }
    }

    // A name that no host knows is no host's network.
    std::string network_named(std::string_view name) const {
        for (const Value& each :
             elements_of(property_of(cluster_, vim::property::ComputeResource::network))) {
            if (name_of(parts_.context, each.as_moref()) == name) {
                return std::string(each.moref_id());
            }
        }
        return std::string(name);
    }

    // Only the hosts that are asked for.
    void restrict(ClusterView& view, plan::MachineIndex machine) const {
        auto wanted = asked_.hosts().to_vector();
        if (relocate_ && relocate_.host()) wanted = {*relocate_.host()};
        if (wanted.empty()) return;
        plan::Rule rule;
        rule.name = "the hosts that were asked for";
        rule.kind = plan::RuleKind::must_run_on;
        rule.machines = {machine};
        for (const MoRef& host : wanted) {
            if (const auto at = view.host(host)) rule.hosts.push_back(*at);
        }
        view.snapshot.rules.push_back(std::move(rule));
    }

    MoRef datastore_named(std::string_view name, std::string_view property) const {
        for (const Value& each :
             elements_of(property_of(cluster_, vim::property::ComputeResource::datastore))) {
            if (name_of(parts_.context, each.as_moref()) == name) return each.as_moref();
        }
        throw wrong(property, fmt::format("No host of the cluster has a datastore '{}'.", name));
    }

    void find_files() {
        const Value& all = property_of(cluster_, vim::property::ComputeResource::datastore);
        const auto asked = asked_.datastores().to_vector();
        for (const Value& each : elements_of(all)) files_.datastores.push_back(each.as_moref());
        for (const MoRef& each : asked) {
            if (!contains(all, each)) {
                throw wrong("datastores", "No host of the cluster has this datastore.");
            }
        }
        if (!asked.empty()) files_.datastores = asked;
        const bool is_named = relocate_ && relocate_.datastore();
        if (is_named) files_.datastores = {*relocate_.datastore()};
        if (machine_) {
            const vim::VirtualMachineStorageSummary storage(
                vim::VirtualMachineSummary(
                    property_of(machine_, vim::property::VirtualMachine::summary))
                    .raw()
                    .property("storage"));
            if (storage) files_.bytes = std::max<std::int64_t>(0, storage.committed());
        }
        if (machine_ && kind_ != Kind::clone) {
            for (const Value& each :
                 elements_of(property_of(machine_, vim::property::VirtualMachine::datastore))) {
                files_.present.push_back(each.as_moref());
            }
            const bool may_stay = std::ranges::all_of(files_.present, [&](const MoRef& each) {
                return std::ranges::find(files_.datastores, each) != files_.datastores.end() ||
                       (asked.empty() && !is_named);
            });
            if (!may_stay) files_.present.clear();
        }
        if (kind_ == Kind::create) find_new_files();
    }

    // Disks that are to be made, and datastores that paths name.
    void find_new_files() {
        const auto config = asked_.configSpec();
        const auto need = [this](std::string_view path, std::string_view property) {
            const auto name = datastore_name(path);
            if (!name.empty()) files_.needed.push_back(datastore_named(name, property));
        };
        if (const auto files = config.files()) {
            need(files.vmPathName().value_or(""), "configSpec.files.vmPathName");
        }
        for (const auto& change : config.deviceChange()) {
            const auto device = change.device();
            const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
            if (backing) need(backing.fileName(), "configSpec.deviceChange.device.backing");
            const auto disk = device.as<vim::VirtualDisk>();
            if (!disk || !change.fileOperation()) continue;
            const std::int64_t kilobytes =
                std::clamp<std::int64_t>(disk.capacityInKB(), 0, kMostDiskBytes / 1024);
            const std::int64_t bytes =
                std::clamp(disk.capacityInBytes().value_or(0), kilobytes * 1024, kMostDiskBytes);
            files_.bytes = std::min(kMostDiskBytes, files_.bytes + bytes);
        }
        if (!files_.needed.empty() && !(relocate_ && relocate_.datastore())) {
            files_.datastores = {files_.needed.front()};
        }
    }

    struct Space {
        MoRef datastore;
        std::size_t hosts = 0;  ///< that reach it
        std::int64_t free_bytes = 0;
    };

    // On this host: as it is, or with all files where there is most room; nothing if nowhere.
    struct Home {
        MoRef datastore;  ///< unset: several, and they stay
    };
    std::optional<Home> home_on(const MoRef& host) const {
        const Value& there = property_of(host, vim::property::HostSystem::datastore);
        const auto reaches = [&](const MoRef& each) { return contains(there, each); };
        if (!std::ranges::all_of(files_.needed, reaches)) return std::nullopt;
        if (!files_.present.empty() && std::ranges::all_of(files_.present, reaches)) {
            return Home{files_.present.size() == 1 ? files_.present.front() : MoRef{}};
        }
        std::optional<Space> best;
        for (const MoRef& each : files_.datastores) {
            const auto* object = parts_.context.inventory.find(each);
            if (object == nullptr || !reaches(each)) continue;
            const vim::DatastoreSummary summary(
                object->property(vim::property::Datastore::summary));
            if (!summary || !summary.accessible() || summary.freeSpace() < files_.bytes) continue;
            if (summary.maintenanceMode().value_or("normal") != "normal") continue;
            // One that more hosts reach lets the machine move later.
            const Space space{each,
                              elements_of(object->property(vim::property::Datastore::host)).size(),
                              summary.freeSpace()};
            if (!best || std::pair(space.hosts, space.free_bytes) >
                             std::pair(best->hosts, best->free_bytes)) {
                best = space;
            }
        }
        if (!best) return std::nullopt;
        return Home{best->datastore};
    }

    Awaitable<void> offer(MoRef host, int rating) {
        const auto home = home_on(host);
        if (!home) {
            add(vim::Fault(vim::InsufficientStorageSpace::make(),
                           fmt::format("No datastore of the host '{}' has {} MB free.",
                                       name_of(parts_.context, host), files_.bytes >> 20))
                    .localized());
            co_return;
        }
        auto spec = vim::VirtualMachineRelocateSpec::make();
        if (relocate_) spec = vim::VirtualMachineRelocateSpec(relocate_.raw());
        spec.set_host(host);
        spec.set_pool(pool());
        if (home->datastore) spec.set_datastore(home->datastore);
        if (kind_ == Kind::relocate) {
            const Destination wish =
                complete(parts_, machine_, destination_of(parts_, machine_, spec));
            const Findings findings = co_await check_move(parts_, machine_, wish);
            for (const auto& error : findings.errors) add(error);
            if (!findings.errors.empty()) co_return;
        }
        auto action = vim::PlacementAction::make();
        action.set_type("PlacementV1");
        if (machine_) action.set_target(machine_);
        if (machine_ && kind_ != Kind::clone) action.set_vm(machine_);
        action.set_targetHost(host);
        action.set_relocateSpec(spec);
        auto made = vim::ClusterRecommendation::make();
        made.set_key(std::to_string(offers_.size() + 1));
        made.set_type("V1");
        made.set_time(parts_.context.runtime.clock().wall_now());
        made.set_rating(rating);
        made.set_reason(kReason);
        made.set_reasonText(fmt::format(
            "Place it on {}{}", name_of(parts_.context, host),
            home->datastore ? ", files on " + name_of(parts_.context, home->datastore) : ""));
        made.set_action(std::vector<vim::ClusterAction>{action});
        made.set_target(cluster_);
        offers_.push_back(made);
    }

    void add(const vim::LocalizedMethodFault& fault) { faults_.push_back(fault); }

    Value result() const {
        auto made = vim::PlacementResult::make();
        if (!offers_.empty()) made.set_recommendations(offers_);
        if (offers_.empty()) {
            auto by_machine = vim::ClusterDrsFaultsFaultsByVm::make();
            if (machine_) by_machine.set_vm(machine_);
            by_machine.set_fault(faults_);
            auto faults = vim::ClusterDrsFaults::make();
            faults.set_reason(kReason);
            faults.set_faultsByVm({by_machine});
            made.set_drsFault(faults);
        }
        return made.raw();
    }

    const MigrationParts& parts_;
    Drs& drs_;
    MoRef cluster_;
    vim::PlacementSpec asked_;
    Kind kind_;
    vim::VirtualMachineRelocateSpec relocate_;
    MoRef machine_;
    Files files_;
    std::vector<vim::ClusterRecommendation> offers_;
    std::vector<vim::LocalizedMethodFault> faults_;
};

}  // namespace

Awaitable<Value> place_vm(Drs& drs, Call call) {
    Placing placing(drs, call);
    co_return co_await placing.run();
}

}  // namespace drover::center
