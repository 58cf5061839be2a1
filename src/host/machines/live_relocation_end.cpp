// Which home of a machine is the true one, and what becomes of the other. All of it may be
// repeated, and is after a crash.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/machines/live_relocation.hpp"
#include "host/machines/machine_files.hpp"

namespace drover::host {

using hypervisor::DiskMove;
using storage::DatastorePath;
using task::Awaitable;

namespace {

constexpr std::chrono::seconds kEngineLimit{120};
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::milliseconds kPause{500};
constexpr int kTries = 40;
constexpr std::chrono::seconds kLongestPause{30};

const DiskMove* place_of(const std::vector<DiskMove>& all, const RelocationPlan::Disk& disk) {
    const auto at = std::ranges::find(all, disk.target, &DiskMove::target);
    return at == all.end() ? nullptr : &*at;
}

bool has_gone(const std::vector<DiskMove>& all, const RelocationPlan::Disk& disk) {
    const DiskMove* at = place_of(all, disk);
    return at != nullptr && at->path != disk.file;
}

}  // namespace

store::Record LiveRelocation::record_of(const LiveMove& move) {
    store::Record record;
    record.kind = kRecordKind;
    record.id = move.plan.id;
    nlohmann::json value{{"plan", move.plan.to_text()},
                         {"uuid", move.uuid.value()},
                         {"made", move.made},
                         {"switching", move.switching}};
    if (move.dropped) value["dropped"] = move.dropped->to_text();
    record.value = value.dump();
    return record;
}

LiveRelocation::MovePtr LiveRelocation::from_record(const store::Record& record) {
    try {
        const auto value = nlohmann::json::parse(record.value);
        auto move = std::make_shared<LiveMove>();
        move->plan = RelocationPlan::from_text(value.at("plan").get<std::string>());
        move->uuid = hypervisor::DomainUuid(value.at("uuid").get<std::string>());
        move->made = value.at("made").get<bool>();
        move->switching = value.at("switching").get<bool>();
        if (value.contains("dropped")) {
            move->dropped = RelocationPlan::from_text(value.at("dropped").get<std::string>());
        }
        return move;
    } catch (const std::exception& error) {
        base::log_error("the record of the relocation of {} is damaged, left alone: {}", record.id,
                        error.what());
        return nullptr;
    }
}

MachinePtr LiveRelocation::machine_of(const LiveMove& move) const {
    return parts_.machines.find({vim::TypeId::VirtualMachine, move.plan.id});
}

Awaitable<void> LiveRelocation::start() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kRecordKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        const MovePtr move = from_record(record);
        if (!move) continue;
        base::log_info("machine {} was going from {} to {}", move->plan.id,
                       move->plan.from.to_string(), move->plan.to.to_string());
        bool is_over = true;
        try {
            co_await end(move);
        } catch (...) {
            is_over = false;
            base::log_warning("machine {}: where its files are can't be told yet: {}",
                              move->plan.id, fault_of(std::current_exception()).message());
        }
        if (!is_over) context_.runtime.spawn("machine " + move->plan.id, end_later(move));
    }
}

Awaitable<LiveRelocation::Outcome> LiveRelocation::end_patiently(MovePtr move) {
    for (int i = 0; i < kTries; ++i) {
        if (i > 0) co_await context_.runtime.sleep(kPause);
        try {
            co_return co_await end(move);
        } catch (...) {
            base::log_warning("machine {}: its relocation can't be ended yet: {}", move->plan.id,
                              fault_of(std::current_exception()).message());
        }
    }
    co_return Outcome::unknown;
}

Awaitable<void> LiveRelocation::end_later(MovePtr move) {
    const MachinePtr machine = machine_of(*move);
    while (machine && machine->busy) co_await context_.runtime.sleep(kPause);
    const auto exclusive = machine ? std::make_unique<Exclusive>(machine, vim::MoRef{}) : nullptr;
    for (auto pause = kPause;;
         pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause)) {
        co_await context_.runtime.sleep(pause);
        try {
            co_await end(move);
            co_return;
        } catch (...) {
            base::log_debug("machine {}: its relocation can't be ended yet: {}", move->plan.id,
                            fault_of(std::current_exception()).message());
        }
    }
}

// Where the domain's disks are; nothing if it doesn't run.
Awaitable<std::optional<std::vector<DiskMove>>> LiveRelocation::look(MovePtr move) {
    co_return co_await context_.runtime.blocking(
        "domain:" + move->plan.id,
        [&engine = context_.hypervisor,
         uuid = move->uuid]() -> std::optional<std::vector<DiskMove>> {
            const auto domain = engine.find(uuid);
            if (!domain || domain->state == hypervisor::DomainState::stopped) return std::nullopt;
            // It stands still while a copy ends; we were killed in that moment.
            if (domain->paused_reason == hypervisor::PausedReason::user) engine.resume(uuid);
            return engine.disk_moves(uuid);
        },
        kEngineLimit);
}

Awaitable<LiveRelocation::Outcome> LiveRelocation::end(MovePtr move) {
    const RelocationPlan plan = move->plan;
    auto disks = co_await look(move);
    const auto count = [&] {
        if (!disks) return move->switching ? plan.disks.size() : std::size_t{0};
        return static_cast<std::size_t>(std::ranges::count_if(
            plan.disks, [&](const auto& disk) { return has_gone(*disks, disk); }));
    };
    if (move->dropped) co_await go_back(move, *move->dropped);
    // Whatever can still be switched is, once one has gone.
    if (disks && count() > 0 && count() < plan.disks.size()) {
        try {
            auto left = plan.disks;
            std::erase_if(left, [&](const auto& disk) { return has_gone(*disks, disk); });
            co_await switch_disks(move, left);
        } catch (const hypervisor::HypervisorError& error) {
            base::log_warning("machine {}: {}", plan.id, error.what());
        }
        disks = co_await look(move);
    }
    const std::size_t gone = count();
    if (gone == plan.disks.size() && move->switching) {
        const bool was_partly = move->dropped.has_value();
        co_await go_on(move);
        co_return was_partly ? Outcome::partly : Outcome::moved;
    }
    if (gone == 0) {
        // From now on, should the domain end, the old files alone are right.
        move->switching = false;
        co_await note(move);
        co_await go_back(move, plan);
        co_await forget(move);
        co_return Outcome::stayed;
    }
    co_await keep_both(move, *disks);
    co_return Outcome::partly;
}

Awaitable<void> LiveRelocation::forget(MovePtr move) {
    co_await context_.runtime.blocking(
        "store",
        [this, id = move->plan.id] {
            context_.store.commit_and_wait(store::Batch().remove(std::string(kRecordKind), id));
        },
        kStoreLimit);
}

Awaitable<void> LiveRelocation::cancel_copies(MovePtr move, RelocationPlan plan) {
    const auto disks = co_await look(move);
    if (!disks) co_return;
    for (const auto& disk : plan.disks) {
        const DiskMove* at = place_of(*disks, disk);
        if (at == nullptr || at->destination_path.empty()) continue;
        co_await context_.runtime.blocking(
            "domain:" + plan.id,
            [&engine = context_.hypervisor, uuid = move->uuid, target = disk.target] {
                engine.cancel_disk_move(uuid, target);
            },
            kEngineLimit);
    }
    if (!plan.nvram.empty()) co_await use_nvram(move, *plan.from.parent().child(plan.nvram));
}

// The new files go.
Awaitable<void> LiveRelocation::go_back(MovePtr move, RelocationPlan plan) {
    co_await cancel_copies(move, plan);
    if (move->made) {
        for (const auto& disk : plan.disks) {
            co_await context_.datastores.run_long(
                context_.datastores.of_path(disk.to), [path = disk.to](storage::Datastore& store) {
                    delete_if_there([&] { store.volumes().delete_disk(path); });
                });
        }
        if (plan.moves_home()) {
            co_await context_.datastores.run(
                context_.datastores.of_path(plan.to),
                [plan](storage::Datastore& store) { remove_machine_files(store, plan); });
        }
    }
    for (const DatastorePath& directory : plan.directories) {
        co_await context_.datastores.run(
            context_.datastores.of_path(directory), [directory](storage::Datastore& store) {
                try {
                    store.blobs().remove_directory(directory);
                } catch (const storage::StorageError& error) {
                    using enum storage::StorageErrorKind;
                    if (error.kind() != not_found && error.kind() != directory_not_empty) throw;
                }
            });
    }
}

// The machine is at its new place. Once that is decided the saga sees to the rest, however long it
// takes; the record goes with its end.
Awaitable<void> LiveRelocation::go_on(MovePtr move) {
    const auto decided = std::make_shared<bool>(false);
    std::exception_ptr failure;
    try {
        co_await parts_.rest(move->plan, [decided] { *decided = true; });
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure && !*decided) std::rethrow_exception(failure);
    if (failure) {
        base::log_warning("machine {}: what it left behind could not all be removed yet: {}",
                          move->plan.id, fault_of(failure).message());
    }
    if (const MachinePtr machine = machine_of(*move)) co_await arrived(machine);
}

// A copy broke off while others were switched already. The home stays, and names each disk where
// it is.
Awaitable<void> LiveRelocation::keep_both(MovePtr move, std::vector<DiskMove> disks) {
    const RelocationPlan plan = move->plan;
    RelocationPlan kept = plan;
    RelocationPlan dropped = plan;
    std::erase_if(kept.disks, [&](const auto& disk) { return !has_gone(disks, disk); });
    std::erase_if(dropped.disks, [&](const auto& disk) { return has_gone(disks, disk); });
    kept.to = kept.from;
    kept.logs.clear();
    kept.nvram.clear();
    vmx::VmxFile file = co_await parts_.machines.read_file(plan.from);
    const auto home = *machine::DatastoreFile::parse(plan.from.parent().to_string());
    for (const auto& disk : kept.disks) {
        file.set(disk.setting, machine::file_to_vmx(disk.to.to_string(), home));
    }
    kept.vmx_text = file.to_string();
    move->plan = kept;
    move->dropped = dropped;
    move->switching = true;
    co_await note(move);
    co_await go_back(move, dropped);
    co_await go_on(move);
}

}  // namespace drover::host
