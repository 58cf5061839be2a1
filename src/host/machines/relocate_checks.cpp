// What a relocation means, and everything that stands in its way.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/faults.hpp"
#include "host/machines/relocate_plan.hpp"
#include "vim/relocation_types.hpp"

namespace drover::host {

using storage::DatastorePath;
using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Fault;
using vim::Value;

namespace {

// Known to centers; hosts name it nowhere.
const vim::MoRef kChecker{vim::TypeId::VirtualMachineProvisioningChecker,
                          "drover-provisioning-checker"};

// The name of a datastore that can take files; empty, with the reason, if it can't.
std::string usable(const Datastores& datastores, const vim::MoRef& ref,
                   std::vector<Fault>& reasons) {
    const DatastoreEntry* entry = datastores.find(ref);
    if (entry == nullptr) {
        reasons.push_back(vim::object_not_found(ref));
        return {};
    }
    if (entry->info.accessible) return entry->name;
    auto fault = vim::InaccessibleDatastore::make();
    fault.set_name(entry->name);
    fault.set_datastore(ref);
    reasons.emplace_back(fault, fmt::format("The datastore {} can't be reached.", entry->name));
    return {};
}

// What a copy of the disk takes: all of a thick one, what all layers hold of a thin one.
std::uint64_t space_of(const Machine& machine, const std::string& disk) {
    const auto facts = machine.disks.find(disk);
    if (facts == machine.disks.end()) return 0;
    const std::int64_t capacity = facts->second.capacity_bytes;
    if (facts->second.provisioning != machine::Provisioning::thin) {
        return static_cast<std::uint64_t>(capacity);
    }
    std::int64_t used = 0;
    auto layer = facts;
    for (std::size_t i = 0; i < storage::VolumeStore::kMaxChain; ++i) {
        used += layer->second.used_bytes;
        layer = machine.disks.find(layer->second.parent);
        if (layer == machine.disks.end()) break;
    }
    return static_cast<std::uint64_t>(std::min(used, capacity));
}

template <class Check>
void collect(std::vector<Fault>& reasons, Check check) {
    try {
        check();
    } catch (const Fault& fault) {
        reasons.push_back(fault);
    }
}

}  // namespace

Fault refusal_of(const std::vector<Fault>& reasons) {
    if (reasons.size() == 1) return reasons.front();
    std::vector<std::string> words;
    for (const Fault& reason : reasons) words.push_back(reason.message());
    return Fault(reasons.front().fault(), fmt::format("{}", fmt::join(words, " ")));
}

RelocationWish Relocate::wish_of(const Machine& machine,
                                 const vim::VirtualMachineRelocateSpec& spec,
                                 std::vector<Fault>& reasons) const {
    Wish wish;
    const std::string all =
        spec.datastore() ? usable(context_.datastores, *spec.datastore(), reasons) : std::string();
    if (!all.empty() && all != machine.path.datastore()) wish.home = all;
    std::map<std::int32_t, std::string> single;
    for (const auto& element : spec.disk()) {
        const vim::VirtualMachineRelocateSpecDiskLocator locator(element.raw());
        single[locator.diskId()] = usable(context_.datastores, locator.datastore(), reasons);
    }
    for (const auto& device : machine.config.hardware().device()) {
        if (!device.is<vim::VirtualDisk>()) continue;
        const auto own = single.find(device.key());
        const std::string to = own != single.end() ? own->second : all;
        if (own != single.end()) single.erase(own);
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        const auto path =
            backing ? DatastorePath::parse(backing.fileName()) : std::unexpected(std::string());
        if (to.empty() || !path || path->datastore() == to) continue;
        wish.disks[path->to_string()] = to;
    }
    for (const auto& [key, datastore] : single) {
        reasons.push_back(vim::invalid_argument("spec.disk.diskId",
                                                fmt::format("The machine has no disk {}.", key)));
    }
    return wish;
}

// Where another machine has the disk, or a clone of it, nothing may happen to it.
void Relocate::check_disks(const Machine& machine, const Wish& wish,
                           std::vector<Fault>& reasons) const {
    for (const MachinePtr& other : machines_.all()) {
        if (other->id == machine.id) continue;
        for (const auto& [file, facts] : other->disks) {
            const bool is_other = wish.disks.contains(file) || wish.disks.contains(facts.parent);
            if (!is_other) continue;
            const std::string& disk = wish.disks.contains(file) ? file : facts.parent;
            reasons.push_back(vim::make_fault<vim::InvalidState>(
                fmt::format("The disk {} is in use by the machine '{}'.", disk, other->name())));
        }
    }
}

void Relocate::check_power(const Machine& machine, const Wish& wish,
                           std::vector<Fault>& reasons) const {
    if (!machine.domain) {
        collect(reasons,
                [&] { require_power_state(machine, vim::VirtualMachinePowerState::poweredOff); });
        return;
    }
    for (const auto& [disk, datastore] : wish.disks) {
        const auto facts = machine.disks.find(disk);
        if (facts != machine.disks.end()) continue;
        reasons.push_back(
            vim::make_fault<vim::InvalidState>(fmt::format("The disk {} can't be read.", disk)));
    }
}

Awaitable<void> Relocate::check_space(MachinePtr machine, Wish wish, std::vector<Fault>& reasons) {
    std::map<std::string, std::uint64_t> needed;
    for (const auto& [disk, datastore] : wish.disks) {
        needed[datastore] += space_of(*machine, disk);
    }
    for (const auto& [name, bytes] : needed) {
        DatastoreEntry* entry = context_.datastores.find(name);
        if (entry == nullptr) continue;
        const std::uint64_t free = co_await context_.datastores.run(
            *entry, [](storage::Datastore& store) { return store.info().free_bytes; });
        if (bytes <= free) continue;
        auto fault = vim::NoDiskSpace::make();
        fault.set_file(fmt::format("[{}]", name));
        fault.set_datastore(name);
        reasons.emplace_back(
            fault, fmt::format("The datastore {} has {} bytes free, not {}.", name, free, bytes));
    }
}

Awaitable<RelocationWish> Relocate::check_all(MachinePtr machine,
                                              vim::VirtualMachineRelocateSpec spec,
                                              std::vector<Fault>& reasons) {
    if (spec.host() && *spec.host() != references::host) {
        reasons.push_back(vim::make_fault<vim::NotSupported>(
            "A machine goes to another host by the center of both."));
    }
    const auto pool = spec.pool();
    if (pool && !pools_.is_pool(*pool)) reasons.push_back(vim::object_not_found(*pool));
    collect(reasons, [&] { require_usable(*machine); });
    const Wish wish = wish_of(*machine, spec, reasons);
    if (wish.is_empty()) co_return wish;
    check_power(*machine, wish, reasons);
    check_disks(*machine, wish, reasons);
    co_await check_space(machine, wish, reasons);
    co_return wish;
}

Awaitable<std::vector<Fault>> Relocate::check(MachinePtr machine,
                                              vim::VirtualMachineRelocateSpec spec) {
    std::vector<Fault> reasons;
    co_await check_all(machine, spec, reasons);
    co_return reasons;
}

void serve_relocation_checks(const HostContext& context, Machines& machines, Relocate& relocate) {
    {
        model::Transaction transaction(context.inventory);
        transaction.create(kChecker.type, kChecker.id);
        transaction.commit();
    }
    context.tasks.add_method(
        context.dispatcher, "CheckRelocate_Task", "VirtualMachineProvisioningChecker.checkRelocate",
        [&context, &machines, &relocate](Call call, TaskContextPtr) -> Awaitable<Value> {
            const auto asked = call.arguments<vim::CheckRelocate_TaskRequest>();
            const MachinePtr machine = machines.get(asked.vm());
            const auto& object = context.inventory.get(machine->ref);
            if (!context.readers(*call.caller)->may_read(object, "System.View")) {
                throw vim::object_not_found(machine->ref);
            }
            std::vector<vim::LocalizedMethodFault> errors;
            for (const Fault& reason : co_await relocate.check(machine, asked.spec())) {
                errors.push_back(reason.localized());
            }
            auto result = vim::CheckResult::make();
            result.set_vm(machine->ref);
            result.set_host(references::host);
            result.set_error(errors);
            std::vector<Value> all{result.raw()};
            co_return Value::array(vim::TypeId::CheckResult, std::move(all));
        });
}

}  // namespace drover::host
