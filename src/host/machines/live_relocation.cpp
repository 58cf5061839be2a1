// The way there; live_relocation_end.cpp has what follows, and what happens if it is cut off.

#include "host/machines/live_relocation.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/counted.hpp"
#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/files/disk_work.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/live_devices.hpp"
#include "storage/vm_lease.hpp"

namespace drover::host {

using hypervisor::DiskMove;
using storage::DatastorePath;
using task::Awaitable;
using task::TaskContextPtr;

namespace {

constexpr std::chrono::milliseconds kLookInterval{250};
constexpr std::chrono::seconds kEngineLimit{120};
constexpr std::chrono::seconds kStoreLimit{60};
constexpr int kMostPercent = 95;
constexpr std::uint64_t kMostNvramBytes = 16 << 20;

// The engine leaves out what holds zeroes, so a thick disk's space has to be taken afterwards.
// Content stays as it is, and so it may be done while the guest writes.
void fill_holes(const std::filesystem::path& data) {
    const int file = ::open(data.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) throw std::system_error(errno, std::generic_category(), data.string());
    struct stat status{};
    const int failed =
        ::fstat(file, &status) != 0 || ::fallocate(file, 0, 0, status.st_size) != 0 ? errno : 0;
    ::close(file);
    if (failed == EOPNOTSUPP) return;
    if (failed == ENOSPC || failed == EDQUOT) {
        throw storage::StorageError(storage::StorageErrorKind::no_space, data.string(),
                                    "no space left for a thick disk");
    }
    if (failed != 0) throw std::system_error(failed, std::generic_category(), data.string());
}

std::string in_words(std::uint64_t done_bytes, std::uint64_t total_bytes) {
    return fmt::format("Copying the disks: {} of {} MiB", done_bytes >> 20, total_bytes >> 20);
}

// The copies of a plan's disks as the engine sees them. Throws if one has broken off.
std::vector<DiskMove> copies_of(const RelocationPlan& plan, const std::vector<DiskMove>& all) {
    std::vector<DiskMove> found;
    for (const auto& disk : plan.disks) {
        const auto at = std::ranges::find(all, disk.target, &DiskMove::target);
        if (at == all.end() || (at->destination_path.empty() && at->path == disk.file)) {
            throw vim::make_fault<vim::InvalidState>(fmt::format(
                "The copy of {} to {} broke off: its datastore is full, or can't be written.",
                disk.from.to_string(), disk.to.to_string()));
        }
        found.push_back(*at);
    }
    return found;
}

}  // namespace

Awaitable<void> LiveRelocation::move(MachinePtr machine, RelocationPlan plan, TaskContextPtr task) {
    if (under_way_ >= kMostAtOnce) {
        throw vim::make_fault<vim::ResourceInUse>(fmt::format(
            "The disks of {} running machines are being moved on this host already.", under_way_));
    }
    const base::Counted counted(under_way_);
    auto move = std::make_shared<LiveMove>();
    move->plan = std::move(plan);
    move->uuid = machine->uuid();
    co_await add_engine_names(machine, move);
    co_await note(move);
    std::exception_ptr failure;
    try {
        co_await make_places(move);
        co_await copy(move, task);
        co_await copy_files(move);
        co_await move_nvram(move);
        task->check_cancelled();
        move->switching = true;
        co_await note(move);
        co_await switch_disks(move, move->plan.disks);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        base::log_warning("machine {}: its files do not go to {}: {}", machine->id.value(),
                          move->plan.to.to_string(), fault_of(failure).message());
    }
    const Outcome outcome = co_await end_patiently(move);
    if (outcome == Outcome::moved) co_return;
    if (outcome == Outcome::unknown) {
        context_.runtime.spawn("machine " + machine->id.value(), end_later(move));
    }
    if (outcome == Outcome::partly) {
        throw vim::make_fault<vim::InvalidState>(
            "Some of the machine's disks are on the new datastore, the others could not be "
            "switched to their copies: see the machine's configuration.");
    }
    if (failure) std::rethrow_exception(failure);
    throw vim::make_fault<vim::InvalidState>(
        "The machine was turned off before its files had "
        "gone.");
}

// How the engine speaks of the disks.
Awaitable<void> LiveRelocation::add_engine_names(MachinePtr machine, MovePtr move) {
    const auto all = co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&engine = context_.hypervisor, uuid = move->uuid] { return engine.disk_moves(uuid); },
        kEngineLimit);
    for (const auto& device : machine->config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!device.is<vim::VirtualDisk>() || !backing) continue;
        for (auto& disk : move->plan.disks) {
            if (disk.from.to_string() != backing.fileName()) continue;
            disk.target = target_of(device);
            const auto at = std::ranges::find(all, disk.target, &DiskMove::target);
            if (at != all.end()) disk.file = at->path;
        }
    }
    for (const auto& disk : move->plan.disks) {
        if (!disk.file.empty()) continue;
        throw vim::make_fault<vim::InvalidState>(
            fmt::format("The running machine does not have {}.", disk.from.to_string()));
    }
}

Awaitable<void> LiveRelocation::note(MovePtr move) {
    co_await context_.runtime.blocking(
        "store",
        [this, record = record_of(*move)] {
            context_.store.commit_and_wait(store::Batch().put(record));
        },
        kStoreLimit);
}

// Nobody else's directory is ever taken for ours: it is noted when it was made.
Awaitable<void> LiveRelocation::make_places(MovePtr move) {
    for (const DatastorePath& directory : move->plan.directories) {
        co_await context_.datastores.run(
            context_.datastores.of_path(directory), [directory](storage::Datastore& store) {
                store.blobs().make_directory(directory, storage::MakeDirectory::exclusive);
            });
    }
    move->made = true;
    co_await note(move);
    co_await take_lease(move);
    for (std::size_t i = 0; i < move->plan.disks.size(); ++i) co_await make_disk(move, i);
}

// With it, nobody who finds the new files can run them.
Awaitable<void> LiveRelocation::take_lease(MovePtr move) {
    if (!move->plan.moves_home()) co_return;
    const storage::LeaseHolder self{context_.host_uuid, context_.config.host_name};
    const bool won = co_await context_.datastores.run(
        context_.datastores.of_path(move->plan.to),
        [self, cell = Leases::cell_of(move->plan.to),
         &clock = context_.runtime.clock()](storage::Datastore& store) {
            storage::VmLease lease(store.compare_and_swap(), clock, cell);
            return lease.acquire(lease.read().generation, self).won;
        });
    if (won) co_return;
    auto fault = vim::FileLocked::make();
    fault.set_file(move->plan.to.to_string());
    throw vim::Fault(fault, fmt::format("{} is in use.", move->plan.to.to_string()));
}

// Empty, of the same kind, and the same disk for the guest.
Awaitable<void> LiveRelocation::make_disk(MovePtr move, std::size_t index) {
    const RelocationPlan::Disk disk = move->plan.disks[index];
    const auto source = context_.datastores.of_path(disk.from).store;
    co_await context_.datastores.run_long(
        context_.datastores.of_path(disk.to), [disk, source](storage::Datastore& store) {
            const auto old = source->volumes().describe_disk(disk.from);
            storage::DiskSpec spec;
            spec.capacity_bytes = old.capacity_bytes;
            spec.provisioning = old.provisioning;
            spec.adapter_type = old.adapter_type;
            store.volumes().create_disk(disk.to, spec);
            if (!old.uuid.empty()) files::set_disk_uuid(store, disk.to, old.uuid);
        });
}

Awaitable<void> LiveRelocation::begin_copies(MovePtr move) {
    for (const auto& disk : move->plan.disks) {
        const auto made = co_await context_.datastores.run(
            context_.datastores.of_path(disk.to), [path = disk.to](storage::Datastore& store) {
                return store.volumes().describe_disk(path).chain.front().host_path.string();
            });
        co_await context_.runtime.blocking(
            "domain:" + move->plan.id,
            [&engine = context_.hypervisor, uuid = move->uuid, target = disk.target, made] {
                engine.begin_disk_move(uuid, target, {made, hypervisor::ImageFormat::raw});
            },
            kEngineLimit);
    }
}

Awaitable<void> LiveRelocation::copy(MovePtr move, TaskContextPtr task) {
    task->check_cancelled();
    co_await begin_copies(move);
    while (true) {
        task->check_cancelled();
        const auto copies =
            copies_of(move->plan, co_await context_.runtime.blocking(
                                      "domain:" + move->plan.id,
                                      [&engine = context_.hypervisor, uuid = move->uuid] {
                                          return engine.disk_moves(uuid);
                                      },
                                      kEngineLimit));
        std::uint64_t done = 0;
        std::uint64_t total = 0;
        for (const DiskMove& each : copies) {
            done += each.copied_bytes;
            total += each.total_bytes;
        }
        if (std::ranges::all_of(copies, &DiskMove::ready)) break;
        if (total != 0) {
            task->set_progress(static_cast<int>(done * kMostPercent / total));
            task->set_description(in_words(done, total));
        }
        co_await context_.runtime.sleep(kLookInterval);
    }
    task->set_progress(kMostPercent);
}

// What lies beside the disks, as it is now; and the space of thick disks.
Awaitable<void> LiveRelocation::copy_files(MovePtr move) {
    for (const auto& disk : move->plan.disks) {
        co_await context_.datastores.run_long(
            context_.datastores.of_path(disk.to), [path = disk.to](storage::Datastore& store) {
                const auto made = store.volumes().describe_disk(path);
                if (made.provisioning == storage::Provisioning::thin) return;
                fill_holes(made.chain.front().host_path);
            });
    }
    if (!move->plan.moves_home()) co_return;
    const auto source = context_.datastores.of_path(move->plan.from).store;
    co_await context_.datastores.run_long(context_.datastores.of_path(move->plan.to),
                                          [plan = move->plan, source](storage::Datastore& store) {
                                              copy_machine_files(*source, store, plan);
                                          });
}

// Only the engine may read them. A machine that ends on its way back loses what its firmware has
// written in these seconds.
Awaitable<void> LiveRelocation::move_nvram(MovePtr move) {
    const RelocationPlan& plan = move->plan;
    if (plan.nvram.empty()) co_return;
    const DatastorePath old = *plan.from.parent().child(plan.nvram);
    const DatastorePath made = *plan.to.parent().child(plan.nvram);
    const auto source = context_.datastores.of_path(old).store;
    co_await context_.datastores.run(
        context_.datastores.of_path(made), [source, old, made](storage::Datastore& store) {
            const std::uint64_t size = source->blobs().stat(old).size_bytes;
            if (size > kMostNvramBytes) {
                throw storage::StorageError(storage::StorageErrorKind::corrupt, old.to_string(),
                                            "too large for a firmware's variables");
            }
            store.blobs().write(made, std::string(size, '\0'));
        });
    co_await use_nvram(move, made);
}

Awaitable<void> LiveRelocation::use_nvram(MovePtr move, DatastorePath nvram) {
    const auto path = context_.datastores.of_path(nvram).store->host_path(nvram).string();
    co_await context_.runtime.blocking(
        "domain:" + move->plan.id,
        [&engine = context_.hypervisor, uuid = move->uuid, path] { engine.move_nvram(uuid, path); },
        kEngineLimit);
}

Awaitable<void> LiveRelocation::switch_disks(MovePtr move,
                                             std::vector<RelocationPlan::Disk> disks) {
    for (const auto& disk : disks) {
        co_await context_.runtime.blocking(
            "domain:" + move->plan.id,
            [&engine = context_.hypervisor, uuid = move->uuid, target = disk.target] {
                engine.finish_disk_move(uuid, target);
            },
            kEngineLimit);
    }
}

// Whoever looks at the domain finds the machine's new file and lease.
Awaitable<void> LiveRelocation::arrived(MachinePtr machine) {
    try {
        co_await parts_.leases.is_ours(machine);  // notes the new lease's generation
        if (!machine->domain || !machine->domain->metadata) co_return;
        auto notes = *machine->domain->metadata;
        notes[std::string(kMetadataVmx)] = machine->path.to_string();
        notes[std::string(kMetadataGeneration)] = std::to_string(machine->lease_generation);
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&engine = context_.hypervisor, uuid = machine->uuid(), notes] {
                engine.set_metadata(uuid, notes);
            },
            kEngineLimit);
        if (machine->domain) machine->domain->metadata = notes;
    } catch (...) {
        base::log_warning("machine {}: its domain does not know of its new home: {}",
                          machine->id.value(), fault_of(std::current_exception()).message());
    }
}

}  // namespace drover::host
