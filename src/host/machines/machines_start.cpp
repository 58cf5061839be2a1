// Reads machines at the start of the daemon, in slices that go on side by side, and shows them. The
// order of what is done on the strand is that of the records.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/machines/machines.hpp"
#include "host/machines/reading.hpp"
#include "host/machines/side_by_side.hpp"
#include "host/references.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::seconds kSliceLimit{60};
constexpr std::size_t kSlice = 64;
// Most of the time goes into the files' parsing, so more than the computer has CPUs is no use.
constexpr std::size_t kLanes = 4;

struct Outcome {
    std::optional<MachineReading> reading;
    std::exception_ptr error;
};

std::vector<Outcome> read_slice(storage::Datastore& home,
                                const std::vector<storage::DatastorePath>& paths,
                                const machine::ReadContext& context) {
    std::vector<Outcome> outcomes(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        try {
            outcomes[i].reading = read_machine(home, paths[i], context);
        } catch (...) {
            outcomes[i].error = std::current_exception();
        }
    }
    return outcomes;
}

}  // namespace

struct Machines::Slice {
    DatastoreEntry* home = nullptr;
    std::vector<MachinePtr> machines;
    bool is_read = false;
};

Awaitable<void> Machines::start() {
    auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kRecordKind); }, kStoreLimit);
    // Lists of references are in this order: so each machine comes to their end.
    std::ranges::sort(records, model::reference_less, &store::Record::id);
    std::vector<Slice> slices;
    std::vector<MachinePtr> alone;
    for (const store::Record& record : records) {
        const MachinePtr machine = from_record(record);
        if (!machine) continue;
        DatastoreEntry* home = context_.datastores.find(machine->path.datastore());
        if (home == nullptr || !home->info.accessible) {
            alone.push_back(machine);
            continue;
        }
        if (slices.empty() || slices.back().home != home ||
            slices.back().machines.size() == kSlice) {
            slices.push_back({home, {}, false});
        }
        slices.back().machines.push_back(machine);
    }
    // Shown in their order, though a later one may have been read before.
    std::size_t shown = 0;
    co_await side_by_side(context_.runtime, "reading machines", slices.size(), kLanes,
                          [this, &slices, &shown](std::size_t number) -> Awaitable<void> {
                              co_await load_slice(slices[number], number % kLanes);
                              slices[number].is_read = true;
                              for (; shown < slices.size() && slices[shown].is_read; ++shown) {
                                  show_new(slices[shown].machines);
                              }
                          });
    for (const MachinePtr& machine : alone) co_await load(machine);
    show_new(alone);
}

MachinePtr Machines::from_record(const store::Record& record) const {
    const auto value = nlohmann::json::parse(record.value, nullptr, false);
    auto path = storage::DatastorePath::parse(value.is_object() ? value.value("path", std::string{})
                                                                : std::string{});
    if (!path) {
        base::log_error("the record of machine {} is damaged, left alone", record.id);
        return nullptr;
    }
    auto machine = std::make_shared<Machine>();
    machine->id = VmId(record.id);
    machine->ref = {TypeId::VirtualMachine, record.id};
    machine->path = *std::move(path);
    machine->is_template = value.value("template", false);
    // A pool that is not there any more leaves its machines to the host's own.
    const std::string pool = value.value("pool", references::root_pool.id);
    const bool known = context_.inventory.find(pool) != nullptr;
    machine->pool = known ? MoRef{TypeId::ResourcePool, pool} : references::root_pool;
    return machine;
}

Awaitable<void> Machines::load_slice(Slice& slice, std::size_t lane) {
    std::vector<storage::DatastorePath> paths;
    for (const MachinePtr& machine : slice.machines) paths.push_back(machine->path);
    std::vector<Outcome> outcomes;
    try {
        outcomes = co_await context_.runtime.blocking(
            fmt::format("{}:start-{}", slice.home->queue(), lane),
            [store = slice.home->store, paths, context = known_places()] {
                return read_slice(*store, paths, context);
            },
            kSliceLimit);
    } catch (const task::BlockingTimeout&) {
        outcomes.assign(paths.size(), {{}, std::current_exception()});
    }
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const MachinePtr& machine = slice.machines[i];
        if (outcomes[i].error) {
            note_failure(*machine, outcomes[i].error);
        } else if (outcomes[i].reading) {
            adopt(*machine, *std::move(outcomes[i].reading));
        } else {
            co_await load(machine);
        }
    }
}

void Machines::show_new(const std::vector<MachinePtr>& machines) {
    Transaction transaction(context_.inventory);
    for (const MachinePtr& machine : machines) {
        machines_[machine->id.value()] = machine;
        index(machine);
        create_object(transaction, *machine);
        show(transaction, *machine);
    }
    transaction.commit();
}

}  // namespace drover::host
