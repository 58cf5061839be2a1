#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/files/disk_work.hpp"
#include "host/files/file_stream.hpp"
#include "host/files/file_tree.hpp"
#include "host/machines/live_relocation.hpp"
#include "host/machines/machine_files.hpp"
#include "host/machines/relocate_plan.hpp"

namespace drover::host {

using nlohmann::json;
using storage::DatastorePath;
using task::Awaitable;
using task::Saga;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::uint64_t kWhole = 10'000;  // of one disk's progress

// The whole copy of a linked clone, beside it, until it has gone to the other datastore.
DatastorePath passing_of(const DatastorePath& disk) {
    return *disk.parent().child("relocating-" + disk.file_name());
}

// The share of one disk in the progress of all.
storage::CopyControl part_of(const storage::CopyControl& all, std::size_t index,
                             std::size_t count) {
    if (!all.progress) return all;
    storage::CopyControl part;
    part.stop = all.stop;
    part.progress = [report = all.progress, index, count](std::uint64_t done, std::uint64_t total) {
        const std::uint64_t share = total == 0 ? kWhole : done * kWhole / total;
        report(index * kWhole + std::min(share, kWhole), count * kWhole);
    };
    return part;
}

}  // namespace

std::string RelocationPlan::to_text() const {
    json list = json::array();
    for (const Disk& disk : disks) {
        list.push_back({{"from", disk.from.to_string()},
                        {"to", disk.to.to_string()},
                        {"flatten", disk.flatten},
                        {"setting", disk.setting},
                        {"target", disk.target},
                        {"file", disk.file}});
    }
    json places = json::array();
    for (const DatastorePath& directory : directories) places.push_back(directory.to_string());
    return json{{"id", id},
                {"template", is_template},
                {"pool", pool},
                {"from", from.to_string()},
                {"to", to.to_string()},
                {"directories", places},
                {"disks", list},
                {"logs", logs},
                {"kept", kept},
                {"nvram", nvram},
                {"vmx", vmx_text}}
        .dump();
}

RelocationPlan RelocationPlan::from_text(const std::string& text) {
    const json value = json::parse(text);
    RelocationPlan plan;
    plan.id = value.at("id").get<std::string>();
    plan.is_template = value.at("template").get<bool>();
    plan.pool = value.at("pool").get<std::string>();
    plan.from = path_of(value.at("from").get<std::string>());
    plan.to = path_of(value.at("to").get<std::string>());
    for (const auto& each : value.at("directories")) {
        plan.directories.push_back(path_of(each.get<std::string>()));
    }
    for (const auto& each : value.at("disks")) {
        plan.disks.push_back({path_of(each.at("from").get<std::string>()),
                              path_of(each.at("to").get<std::string>()),
                              each.at("flatten").get<bool>(), each.value("setting", ""),
                              each.value("target", ""), each.value("file", "")});
    }
    plan.logs = value.at("logs").get<std::vector<std::string>>();
    plan.kept = value.value("kept", std::vector<std::string>());
    plan.nvram = value.value("nvram", "");
    plan.vmx_text = value.at("vmx").get<std::string>();
    return plan;
}

void keep_files_elsewhere(const Machine& machine, const std::vector<std::string>& logs,
                          const machine::DatastoreFile& directory, vmx::VmxFile& file) {
    const auto before = *machine::DatastoreFile::parse(machine.path.parent().to_string());
    for (const std::string& key : machine.file.keys()) {
        if (!key.ends_with(".fileName") && !key.ends_with(".filename")) continue;
        const std::string name = machine.file.get(key).value_or("");
        const std::string at = machine::file_from_vmx(name, before, machine.datastores);
        const auto parsed = machine::DatastoreFile::parse(at);
        if (!parsed || parsed->outside() || machine.disks.contains(at)) continue;
        if (std::ranges::find(logs, at) != logs.end()) continue;
        file.set(key, machine::file_to_vmx(at, directory));
    }
}

Saga Relocate::build(const Plan& plan, const storage::CopyControl& control) {
    Saga saga;
    saga.kind = kRelocateSaga;
    saga.parameters = plan.to_text();
    for (const DatastorePath& directory : plan.directories) add_directory(saga, directory);
    for (std::size_t i = 0; i < plan.disks.size(); ++i) add_copy(saga, plan, i, control);
    if (plan.moves_home()) add_files(saga, plan);
    add_rest(saga, plan, {});
    saga.result = [] { return store::Batch(); };
    return saga;
}

Saga Relocate::rest_of(const Plan& plan, std::function<void()> decided) {
    Saga saga;
    saga.kind = kRelocateRestSaga;
    saga.parameters = plan.to_text();
    add_rest(saga, plan, std::move(decided));
    saga.result = [id = plan.id] {
        return store::Batch().remove(std::string(LiveRelocation::kRecordKind), id);
    };
    return saga;
}

// From the decision on the machine is where it goes.
void Relocate::add_rest(Saga& saga, const Plan& plan, std::function<void()> decided) {
    saga.steps.push_back({"decision", []() -> Awaitable<void> { co_return; }, {}, true});
    saga.steps.push_back({"switch",
                          [this, plan, decided] {
                              if (decided) decided();
                              return make_switch(plan);
                          },
                          {}});
    add_removal(saga, plan);
}

void Relocate::add_directory(Saga& saga, const DatastorePath& directory) {
    saga.steps.push_back(
        {"directory " + directory.to_string(),
         [this, directory] {
             return context_.datastores.run(
                 context_.datastores.of_path(directory), [directory](storage::Datastore& store) {
                     store.blobs().make_directory(directory, storage::MakeDirectory::exclusive);
                 });
         },
         [this, directory] {
             return context_.datastores.run(
                 context_.datastores.of_path(directory), [directory](storage::Datastore& store) {
                     try {
                         store.blobs().remove_directory(directory);
                     } catch (const storage::StorageError& error) {
                         using enum storage::StorageErrorKind;
                         if (error.kind() != not_found && error.kind() != directory_not_empty) {
                             throw;
                         }
                     }
                 });
         }});
}

void Relocate::add_copy(Saga& saga, const Plan& plan, std::size_t index,
                        const storage::CopyControl& control) {
    const Plan::Disk disk = plan.disks[index];
    const auto part = part_of(control, index, plan.disks.size());
    saga.steps.push_back(
        {"disk " + disk.to.to_string(),
         [this, disk, part] {
             const auto source = context_.datastores.of_path(disk.from).store;
             return context_.datastores.run_long(
                 context_.datastores.of_path(disk.to),
                 [disk, part, source](storage::Datastore& store) {
                     if (!disk.flatten) {
                         files::copy_disk({*source, disk.from, store, disk.to, {}, {}, false},
                                          part);
                         return;
                     }
                     const DatastorePath passing = passing_of(disk.from);
                     files::copy_disk({*source, disk.from, *source, passing, {}, {}, false}, part);
                     files::move_disk({*source, passing, store, disk.to, {}, {}, false},
                                      {{}, part.stop});
                 });
         },
         [this, disk] {
             const auto source = context_.datastores.of_path(disk.from).store;
             return context_.datastores.run_long(
                 context_.datastores.of_path(disk.to), [disk, source](storage::Datastore& store) {
                     if (disk.flatten) {
                         delete_if_there(
                             [&] { source->volumes().delete_disk(passing_of(disk.from)); });
                     }
                     delete_if_there([&] { store.volumes().delete_disk(disk.to); });
                 });
         }});
}

// The .vmx file comes last: whoever finds it there finds all that it names.
void copy_machine_files(storage::Datastore& from, storage::Datastore& to,
                        const RelocationPlan& plan) {
    std::vector<std::string> names = files_of_machine(from, plan.from);
    for (const std::string& log : plan.logs) {
        const DatastorePath path = path_of(log);
        if (files::exists(from, path)) names.push_back(path.file_name());
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    for (const std::string& name : names) {
        if (name == plan.from.file_name() || name == plan.nvram) continue;
        const std::string file = plan.from.parent().child(name)->to_string();
        if (std::ranges::find(plan.kept, file) != plan.kept.end()) continue;
        files::stream_file(from, *plan.from.parent().child(name), to, *plan.to.parent().child(name),
                           storage::IfExists::replace, false, {});
    }
    to.blobs().write(plan.to, plan.vmx_text);
}

void remove_machine_files(storage::Datastore& store, const RelocationPlan& plan) {
    for (const std::string& log : plan.logs) {
        delete_if_there(
            [&] { store.blobs().remove(*plan.to.parent().child(path_of(log).file_name())); });
    }
    delete_files(store, plan.to);
}

void Relocate::add_files(Saga& saga, const Plan& plan) {
    saga.steps.push_back(
        {"files",
         [this, plan] {
             const auto source = context_.datastores.of_path(plan.from).store;
             return context_.datastores.run_long(context_.datastores.of_path(plan.to),
                                                 [plan, source](storage::Datastore& store) {
                                                     copy_machine_files(*source, store, plan);
                                                 });
         },
         [this, plan] {
             return context_.datastores.run(
                 context_.datastores.of_path(plan.to),
                 [plan](storage::Datastore& store) { remove_machine_files(store, plan); });
         }});
}

Awaitable<void> Relocate::make_switch(Plan plan) {
    if (plan.moves_home()) {
        co_await context_.runtime.blocking(
            "store",
            [this, plan] {
                // Somebody may have taken it out of the inventory since.
                if (!Machines::has_record(context_.store, VmId(plan.id))) return;
                context_.store.commit_and_wait(store::Batch().put(
                    Machines::record_of(VmId(plan.id), plan.to, plan.is_template,
                                        {vim::TypeId::ResourcePool, plan.pool})));
            },
            kStoreLimit);
    } else {
        co_await context_.datastores.run(
            context_.datastores.of_path(plan.to),
            [plan](storage::Datastore& store) { store.blobs().write(plan.to, plan.vmx_text); });
    }
    const MachinePtr machine = machines_.find({vim::TypeId::VirtualMachine, plan.id});
    if (!machine) co_return;
    machine->path = plan.to;
    co_await machines_.load(machine);
    machines_.publish(machine);
}

void Relocate::add_removal(Saga& saga, const Plan& plan) {
    for (const Plan::Disk& disk : plan.disks) {
        saga.steps.push_back(
            {"old disk " + disk.from.to_string(),
             [this, path = disk.from] {
                 return context_.datastores.run_long(
                     context_.datastores.of_path(path), [path](storage::Datastore& store) {
                         delete_if_there([&] { store.volumes().delete_disk(path); });
                     });
             },
             {}});
    }
    if (!plan.moves_home()) return;
    saga.steps.push_back({"old files",
                          [this, vmx = plan.from, logs = plan.logs, kept = plan.kept] {
                              return context_.datastores.run(
                                  context_.datastores.of_path(vmx),
                                  [this, vmx, logs, kept](storage::Datastore& store) {
                                      if (Machines::has_record_of(context_.store, vmx)) return;
                                      for (const std::string& log : logs) {
                                          delete_if_there(
                                              [&] { store.blobs().remove(path_of(log)); });
                                      }
                                      delete_files(store, vmx, kept);
                                  });
                          },
                          {}});
}

}  // namespace drover::host
