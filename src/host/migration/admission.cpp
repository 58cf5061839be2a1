// Whether a machine can come to this host: every reason why not, at once.

#include <fmt/format.h>

#include "host/cpu/feature_lists.hpp"
#include "host/faults.hpp"
#include "host/migration/arrivals.hpp"

namespace drover::host {

using task::Awaitable;
using vim::Fault;

namespace {

constexpr std::chrono::seconds kEngineLimit{30};
constexpr std::size_t kMostDisks = 256;
constexpr std::size_t kMostFeatures = 1024;
constexpr std::size_t kMostTextBytes = Machines::kVmxLimitBytes;

template <class Work>
void collect(std::vector<Fault>& reasons, Work work) {
    try {
        work();
    } catch (...) {
        reasons.push_back(fault_of(std::current_exception()));
    }
}

std::string device_name(std::int32_t key) {
    return fmt::format("device {}", key);
}

Fault no_disk(const vim::DroverMigrationDisk& disk, const std::string& why) {
    auto fault = vim::CannotAccessVmDisk::make();
    fault.set_device(device_name(disk.key()));
    fault.set_backing(disk.path());
    fault.set_connected(true);
    const Fault cause = vim::make_fault<vim::InvalidDatastore>(why);
    fault.set_fault(cause.localized());
    return Fault(fault, fmt::format("The disk {} can't be reached: {}", disk.path(), why));
}

}  // namespace

const DatastoreEntry* Arrivals::by_uuid(std::string_view uuid) const {
    for (const auto& entry : context_.datastores.all()) {
        if (!uuid.empty() && entry->info.uuid == uuid) return entry.get();
    }
    return nullptr;
}

void Arrivals::check_host(const vim::DroverMigrationSpec& spec, std::vector<Fault>& reasons) const {
    collect(reasons, [&] { parts_.admission(); });
    if (spec.sourceHostUuid() == context_.host_uuid) {
        reasons.push_back(
            vim::invalid_argument("spec.sourceHostUuid", "The machine is on this host already."));
    }
    if (spec.sourceHostUuid().empty() ||
        spec.sourceHostUuid().size() > storage::VmLease::kMaxFieldBytes) {
        reasons.push_back(vim::invalid_argument("spec.sourceHostUuid", "It is no host's."));
    }
    if (spec.disk().size() > kMostDisks || spec.vmx().size() > kMostTextBytes) {
        reasons.push_back(vim::invalid_argument("spec", "It is larger than any machine's."));
    }
    if (spec.uuid().empty() || !storage::DatastorePath::make("x", spec.path()) ||
        !spec.path().ends_with(".vmx")) {
        reasons.push_back(vim::invalid_argument("spec.path", "It describes no machine."));
    }
    std::size_t under_way = 0;
    for (const auto& [_, other] : incoming_) {
        if (!other->over) ++under_way;
    }
    if (under_way >= kMostAtOnce) {
        reasons.push_back(vim::make_fault<vim::ResourceInUse>(
            fmt::format("{} machines are coming to this host already.", under_way)));
    }
}

void Arrivals::check_duplicates(const vim::DroverMigrationSpec& spec,
                                std::vector<Fault>& reasons) const {
    const hypervisor::DomainUuid uuid{std::string(spec.uuid())};
    const bool is_coming = std::ranges::any_of(incoming_, [&](const auto& item) {
        return !item.second->over && item.second->uuid() == uuid;
    });
    const MachinePtr here = parts_.machines.find_by_uuid(uuid);
    if (here && !is_coming && here == stale_copy_of(spec)) return;
    if (is_coming || here) {
        auto fault = vim::AlreadyExists::make();
        fault.set_name(spec.uuid());
        reasons.emplace_back(fault, fmt::format("A machine with the UUID {} is here already{}.",
                                                spec.uuid(), is_coming ? ", or on its way" : ""));
    } else if (const MachinePtr other = parts_.machines.find_by_name(spec.name())) {
        auto fault = vim::DuplicateName::make();
        fault.set_name(spec.name());
        fault.set_object(other->ref);
        reasons.emplace_back(fault, fmt::format("The name '{}' already exists.", spec.name()));
    }
}

void Arrivals::check_storage(const vim::DroverMigrationSpec& spec, bool moves,
                             std::vector<Fault>& reasons) const {
    const auto problem = [&](std::string_view uuid) -> std::string {
        const DatastoreEntry* entry = by_uuid(uuid);
        if (entry == nullptr) return fmt::format("This host has no datastore {}.", uuid);
        if (!entry->info.accessible) return "The datastore " + entry->name + " does not answer.";
        if (!entry->info.supports_compare_and_swap) {
            return fmt::format("The datastore {} can't keep leases.", entry->name);
        }
        return {};
    };
    if (!moves) {
        if (const std::string why = problem(spec.datastoreUuid()); !why.empty()) {
            auto fault = vim::CannotAccessVmConfig::make();
            const Fault cause = vim::make_fault<vim::InvalidDatastore>(why);
            fault.set_reason(cause.localized());
            reasons.emplace_back(fault, "The machine's files can't be reached: " + why);
        }
        for (const auto& disk : spec.disk()) {
            const std::string why = problem(disk.datastoreUuid());
            if (!why.empty()) reasons.push_back(no_disk(disk, why));
        }
        return;
    }
    for (const auto& disk : spec.disk()) {
        if (disk.setting().empty() || disk.target().empty()) {
            reasons.push_back(no_disk(disk, "The machine's file does not say how it is named."));
        }
        if (disk.capacityInBytes() < 512 || disk.capacityInBytes() % 512 != 0) {
            reasons.push_back(no_disk(disk, "Its size is none."));
        }
    }
}

void Arrivals::check_placement(const vim::DroverMigrationSpec& spec,
                               const vim::DroverMigrationPlacement& placement,
                               std::vector<Fault>& reasons) const {
    if (!placement) return;
    // The engines copy disks; nothing else does.
    if (spec.powerState() != vim::VirtualMachinePowerState::poweredOn) {
        reasons.push_back(vim::make_fault<vim::NotSupported>(
            "The files of a machine that does not run can't be copied from host to host."));
    }
    const DatastoreEntry* entry = context_.datastores.find(placement.datastore());
    if (entry == nullptr || !entry->info.accessible || !entry->info.supports_compare_and_swap) {
        reasons.push_back(vim::invalid_argument(
            "placement.datastore", "There is no such datastore here, or it can't be used now."));
        return;
    }
    std::uint64_t needed = 0;
    for (const auto& disk : spec.disk()) {
        if (disk.provisioning() != "thin")
            needed += static_cast<std::uint64_t>(disk.capacityInBytes());
    }
    if (needed > entry->info.free_bytes) {
        auto fault = vim::NoDiskSpace::make();
        fault.set_file(fmt::format("[{}]", entry->name));
        fault.set_datastore(entry->name);
        reasons.emplace_back(fault, fmt::format("The datastore {} has {} bytes free, not {}.",
                                                entry->name, entry->info.free_bytes, needed));
    }
    std::size_t copies = 0;
    for (const auto& [_, other] : incoming_) {
        if (other->moves_storage && other->path.datastore() == entry->name) ++copies;
    }
    if (copies >= kMostCopiesOfDatastore) {
        reasons.push_back(vim::make_fault<vim::ResourceInUse>(
            fmt::format("{} machines are being copied to {} already.", copies, entry->name)));
    }
}

void Arrivals::check_networks(const vim::DroverMigrationSpec& spec,
                              std::vector<Fault>& reasons) const {
    for (const std::string_view network : spec.network()) {
        if (context_.networks.find(network) != nullptr) continue;
        auto fault = vim::CannotAccessNetwork::make();
        fault.set_device("network adapter");
        fault.set_backing(network);
        fault.set_connected(true);
        reasons.emplace_back(fault, fmt::format("This host has no network '{}'.", network));
    }
}

// What is on its way counts as if it were here.
void Arrivals::check_room(const vim::DroverMigrationSpec& spec, std::vector<Fault>& reasons) const {
    if (spec.powerState() != vim::VirtualMachinePowerState::poweredOn) return;
    std::int64_t cpu = spec.cpuReservationMhz();
    std::int64_t memory = spec.memoryReservationMB();
    for (const auto& [_, other] : incoming_) {
        if (other->over || !other->runs()) continue;
        cpu += other->spec.cpuReservationMhz();
        memory += other->spec.memoryReservationMB();
    }
    const auto reserve = [](std::int64_t reservation) {
        auto allocation = vim::ResourceAllocationInfo::make();
        allocation.set_reservation(reservation);
        allocation.set_limit(-1);
        return allocation;
    };
    Machine all;
    all.config = vim::VirtualMachineConfigInfo::make();
    all.config.set_cpuAllocation(reserve(cpu));
    all.config.set_memoryAllocation(reserve(memory));
    collect(reasons, [&] { parts_.room(all); });
}

// By name, where the source has told them; the engine's own comparison is asked besides.
void Arrivals::check_cpu(const vim::DroverMigrationSpec& spec, std::vector<Fault>& reasons) const {
    if (spec.powerState() == vim::VirtualMachinePowerState::poweredOff) return;
    std::vector<std::string> features;
    for (const std::string_view each : spec.cpuFeature()) features.emplace_back(each);
    if (features.size() > kMostFeatures) {
        reasons.push_back(vim::invalid_argument("spec.cpuFeature", "No CPU has so many."));
        return;
    }
    collect(reasons, [&] {
        require_cpu({plan::cpu_vendor(spec.cpuVendor().value_or("")),
                     plan::FeatureSet(std::move(features))},
                    offered_cpu(context_.host_info));
    });
}

Awaitable<void> Arrivals::check_engine(vim::DroverMigrationSpec spec, std::vector<Fault>& reasons) {
    if (spec.powerState() != vim::VirtualMachinePowerState::poweredOn) co_return;
    if (!context_.config.simulation &&
        (parts_.transport.own_ca().empty() || spec.sourceCa().empty())) {
        auto fault = vim::MigrationNotReady::make();
        fault.set_reason("A host has no certificate for migrations.");
        reasons.emplace_back(
            fault,
            "One of the hosts has no certificate for migrations: its setup must be "
            "completed (migration_identity_directory).");
    }
    // One that was refused by name would be refused by the engine again, for the same reason.
    const bool told = std::ranges::any_of(reasons, [](const Fault& fault) {
        return fault.fault().is<vim::FeatureRequirementsNotMet>();
    });
    try {
        co_await context_.runtime.blocking(
            "hypervisor",
            [&engine = context_.hypervisor,
             cpu = std::string(told ? "" : spec.cpu().value_or(""))] {
                if (engine.migration_socket().empty()) {
                    throw vim::make_fault<vim::NotSupported>(
                        "This host's engine takes no machines from other hosts.");
                }
                if (!cpu.empty()) engine.check_cpu(cpu);
            },
            kEngineLimit);
    } catch (...) {
        reasons.push_back(fault_of(std::current_exception()));
    }
}

Awaitable<std::vector<Fault>> Arrivals::check(vim::DroverMigrationSpec spec,
                                              vim::DroverMigrationPlacement placement) {
    std::vector<Fault> reasons;
    const bool moves = static_cast<bool>(placement);
    check_host(spec, reasons);
    check_guarded(spec, placement, reasons);
    check_duplicates(spec, reasons);
    check_storage(spec, moves, reasons);
    check_placement(spec, placement, reasons);
    check_networks(spec, reasons);
    check_room(spec, reasons);
    check_cpu(spec, reasons);
    co_await check_engine(spec, reasons);
    co_return reasons;
}

}  // namespace drover::host
