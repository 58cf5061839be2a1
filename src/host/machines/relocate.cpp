// What is planned; relocate_checks.cpp says what stands in the way, relocate_steps.cpp has the
// steps.

#include "host/machines/relocate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/availability/availability.hpp"
#include "host/events/event_arguments.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/live_relocation.hpp"
#include "host/machines/machine_files.hpp"
#include "host/machines/relocate_plan.hpp"
#include "machine/datastore_file.hpp"
#include "service/history/event_log.hpp"
#include "vim/extensions_types.hpp"
#include "vim/migration_types.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using storage::DatastorePath;
using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;

namespace {

constexpr int kMostNameTries = 1000;

// The key of the .vmx file that names a file; empty if none does.
std::string setting_of(const Machine& machine, std::string_view file) {
    const auto directory = *machine::DatastoreFile::parse(machine.path.parent().to_string());
    for (const std::string& key : machine.file.keys()) {
        if (!key.ends_with(".fileName") && !key.ends_with(".filename")) continue;
        const std::string name = machine.file.get(key).value_or("");
        if (machine::file_from_vmx(name, directory, machine.datastores) == file) return key;
    }
    return {};
}

// A name in a directory that none of `taken` has.
DatastorePath free_name(const DatastorePath& directory, const std::string& name,
                        const std::set<DatastorePath>& taken) {
    const auto dot = std::min(name.rfind('.'), name.size());
    for (int i = 0; i < kMostNameTries; ++i) {
        const std::string chosen =
            i == 0 ? name : fmt::format("{}_{}{}", name.substr(0, dot), i, name.substr(dot));
        const auto path = directory.child(chosen);
        if (path && !taken.contains(*path)) return *path;
    }
    throw vim::invalid_argument("spec.disk", "No free name can be found for a disk.");
}

}  // namespace

Relocate::Relocate(const HostContext& context, Machines& machines, Leases& leases,
                   ResourcePools& pools)
    : context_(context),
      machines_(machines),
      leases_(leases),
      pools_(pools),
      live_(std::make_unique<LiveRelocation>(LiveRelocation::Parts{
          context, machines, leases, [this](RelocationPlan plan, std::function<void()> decided) {
              return context_.sagas.run(rest_of(plan, std::move(decided)));
          }})) {
    context_.sagas.add_kind(std::string(kRelocateSaga), [this](const std::string& parameters) {
        return build(Plan::from_text(parameters));
    });
    context_.sagas.add_kind(std::string(kRelocateRestSaga), [this](const std::string& parameters) {
        return rest_of(Plan::from_text(parameters));
    });
}

Relocate::~Relocate() = default;

void Relocate::serve() {
    context_.tasks.add_method(
        context_.dispatcher, "RelocateVM_Task", "VirtualMachine.relocate",
        [this](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const MachinePtr machine = machines_.get(call.self);
            const auto spec = call.arguments<vim::RelocateVM_TaskRequest>().spec();
            const Exclusive exclusive(machine, task->ref());
            co_await relocate(machine, spec, task);
            co_return Value{};
        },
        true);
}

Awaitable<void> Relocate::start() {
    co_await live_->start();
}

Awaitable<void> Relocate::relocate(MachinePtr machine, vim::VirtualMachineRelocateSpec spec,
                                   TaskContextPtr task) {
    std::vector<vim::Fault> reasons;
    const Wish wish = co_await check_all(machine, spec, reasons);
    if (!reasons.empty()) throw refusal_of(reasons);
    if (!wish.is_empty()) co_await move_files(machine, wish, task);
    const auto pool = spec.pool();
    if (pool && *pool != machine->pool) co_await join_pool(machine, *pool);
}

Awaitable<void> Relocate::join_pool(MachinePtr machine, vim::MoRef pool) {
    co_await context_.runtime.blocking(
        "store",
        [this, id = machine->id, path = machine->path, is = machine->is_template, to = pool] {
            context_.store.commit_and_wait(
                store::Batch().put(Machines::record_of(id, path, is, to)));
        },
        std::chrono::seconds{60});
    machines_.move_to_pool(machine, pool);
}

Awaitable<DatastorePath> Relocate::free_directory(std::string datastore, std::string name) {
    const auto root = DatastorePath::make(datastore, "");
    co_return co_await context_.datastores.run(
        context_.datastores.of_path(*root), [root = *root, name](storage::Datastore& store) {
            for (int i = 0; i < kMostNameTries; ++i) {
                const auto directory = root.child(i == 0 ? name : fmt::format("{}_{}", name, i));
                if (!directory) break;
                try {
                    store.blobs().stat(*directory);
                } catch (const storage::StorageError& error) {
                    if (error.kind() != storage::StorageErrorKind::not_found) throw;
                    return *directory;
                }
            }
            throw vim::invalid_argument("spec.datastore", "No directory can be named after it.");
        });
}

Awaitable<Relocate::Plan> Relocate::plan_of(MachinePtr machine, Wish wish) {
    Plan plan;
    plan.id = machine->id.value();
    plan.is_template = machine->is_template;
    plan.pool = machine->pool.id;
    plan.from = machine->path;
    plan.to = machine->path;
    std::string name = machine->path.parent().file_name();
    if (machine->path.parent().is_root()) {
        name = machine->path.file_name();
        if (name.ends_with(".vmx")) name.resize(name.size() - 4);
    }
    std::map<std::string, DatastorePath> places;  // by datastore: where its disks go
    if (!wish.home.empty()) {
        const DatastorePath directory = co_await free_directory(wish.home, name);
        plan.directories.push_back(directory);
        plan.to = *directory.child(machine->path.file_name());
    }
    places.emplace(plan.to.datastore(), plan.to.parent());
    for (const auto& [disk, datastore] : wish.disks) {
        if (places.contains(datastore)) continue;
        const DatastorePath directory = co_await free_directory(datastore, name);
        plan.directories.push_back(directory);
        places.emplace(datastore, directory);
    }
    std::set<DatastorePath> taken;
    const auto present = co_await list_directory(context_, plan.to.parent());
    for (const std::string& file : present.value_or(std::set<std::string, std::less<>>{})) {
        if (const auto path = DatastorePath::parse(file)) taken.insert(*path);
    }
    vmx::VmxFile file = machine->file;
    const auto directory = *machine::DatastoreFile::parse(plan.to.parent().to_string());
    for (const auto& [disk, facts] : machine->disks) {
        const std::string setting = setting_of(*machine, disk);
        if (setting.empty()) continue;  // a parent of one that has its own place
        DatastorePath at = path_of(disk);
        if (const auto goes = wish.disks.find(disk); goes != wish.disks.end()) {
            at = free_name(places.at(goes->second), at.file_name(), taken);
            taken.insert(at);
            plan.disks.push_back({path_of(disk), at, !facts.parent.empty(), setting, {}, {}});
        }
        file.set(setting, machine::file_to_vmx(at.to_string(), directory));
    }
    if (!wish.home.empty()) {
        // What a running machine's serial ports write to is written to until it is off.
        (machine->domain ? plan.kept : plan.logs) = serial_logs_of(*machine);
        if (machine->domain && machine->config.firmware() == "efi") {
            plan.nvram = nvram_of(machine->path).file_name();
        }
        keep_files_elsewhere(*machine, plan.logs, directory, file);
    }
    plan.vmx_text = file.to_string();
    co_return plan;
}

Awaitable<void> Relocate::move_files(MachinePtr machine, Wish wish, TaskContextPtr task) {
    const DatastorePath from = machine->path;
    const Plan plan = co_await plan_of(machine, wish);
    if (machine->domain) {
        require_not_guarded(*machine, "a live relocation");
        co_await live_->move(machine, plan, task);
    } else {
        co_await move_copies(machine, plan, task);
    }
    base::log_info("the machine {} ('{}') went from {} to {}", machine->id.value(), machine->name(),
                   from.to_string(), machine->path.to_string());
    tell(*machine, from);
}

Awaitable<void> Relocate::move_copies(MachinePtr machine, Plan plan, TaskContextPtr task) {
    // Nobody else starts the machine from the files that are being copied.
    co_await leases_.acquire(machine);
    std::exception_ptr failure;
    try {
        co_await context_.sagas.run(build(plan, context_.datastores.control_for(task)));
    } catch (...) {
        failure = std::current_exception();
    }
    const bool is_there = machine->path == plan.to && plan.to != plan.from;
    if (is_there) {
        machine->lease_generation = 0;  // it went with the old files
    } else {
        co_await leases_.release(machine);
    }
    if (failure) std::rethrow_exception(failure);
}

void Relocate::tell(const Machine& machine, const DatastorePath& from) const {
    auto event = vm_event<vim::VmRelocatedEvent>(context_.inventory.get(machine.ref));
    auto host = vim::HostEventArgument::make();
    host.set_host(references::host);
    host.set_name(entity_name(context_.inventory, references::host));
    event.set_sourceHost(host);
    if (const DatastoreEntry* entry = context_.datastores.find(from.datastore())) {
        event.set_sourceDatastore(datastore_argument(context_.inventory.get(entry->ref)));
    }
    context_.events.post(event);
}

}  // namespace drover::host
