#include "had/datastore/datastore_channel.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "had/datastore/cell_format.hpp"
#include "had/datastore/slot_files.hpp"
#include "storage/datastore_path.hpp"
#include "storage/directory/directory_datastore.hpp"

namespace drover::had {

namespace {

// A few, since one that hangs must not hold up the next try.
constexpr std::size_t kReaders = 2;
constexpr std::size_t kSwappers = 3;
constexpr std::chrono::milliseconds kFailedJoin{500};

storage::DatastorePath path_of(const std::string& datastore, const std::string& relative) {
    auto path = storage::DatastorePath::make(datastore, relative);
    if (!path) throw std::runtime_error(relative + ": " + path.error());
    return std::move(*path);
}

// As hosts name it: beside the .vmx file.
std::string lease_of(std::string vmx_file) {
    if (vmx_file.ends_with(".vmx")) vmx_file.resize(vmx_file.size() - 4);
    return vmx_file + ".lease";
}

}  // namespace

// Owned by the channel and by every piece of work: one that hangs outlives the channel.
struct DatastoreChannel::Store {
    Store(const DatastoreSettings& how, std::shared_ptr<Names> known,
          std::function<void(ha::Event)> to)
        : settings(how),
          names(std::move(known)),
          answer(std::move(to)),
          files(how.path / DatastoreChannel::kDirectory, *names),
          datastore(storage::open_directory_datastore(how.name, how.path)),
          plan_cell(path_of(how.name, std::string(DatastoreChannel::kDirectory) + "/plan")) {}

    std::optional<ha::Lease> read(const storage::DatastorePath& cell) {
        try {
            const auto state = datastore->compare_and_swap().read(cell);
            if (state.generation == 0) return ha::Lease{};
            return parse_lease(state.content, state.generation, *names, settings.host);
        } catch (const storage::StorageError&) {
            return std::nullopt;
        }
    }

    // Nobody plans before anybody has joined, so the directory may be missing.
    ha::PlanCell read_plan() {
        try {
            const auto state = datastore->compare_and_swap().read(plan_cell);
            if (state.generation == 0) return {};
            if (auto plan = parse_plan(state.content, state.generation, *names)) return *plan;
            // Advice that can't be read is none, but the next is to follow it.
            return {.generation = state.generation};
        } catch (const storage::StorageError& error) {
            if (error.kind() != storage::StorageErrorKind::not_found) throw;
            return {};
        }
    }

    DatastoreSettings settings;
    std::shared_ptr<Names> names;
    std::function<void(ha::Event)> answer;
    SlotFiles files;
    std::unique_ptr<storage::Datastore> datastore;
    storage::DatastorePath plan_cell;
    base::SystemClock clock{};

    std::mutex mutex{};
    std::vector<storage::DatastorePath> cells{};
    std::vector<ha::MachineId> machines{};
};

DatastoreChannel::DatastoreChannel(const DatastoreSettings& settings, std::shared_ptr<Names> names,
                                   std::function<void(ha::Event)> answer)
    : store_(std::make_shared<Store>(settings, std::move(names), std::move(answer))),
      slots_(1, 4),
      reads_(kReaders, 8),
      swaps_(kSwappers, 256) {}

DatastoreChannel::~DatastoreChannel() = default;

void DatastoreChannel::protect(std::vector<std::string> vmx_files,
                               std::vector<ha::MachineId> machines) {
    std::vector<storage::DatastorePath> cells;
    for (auto& each : vmx_files) {
        cells.push_back(path_of(store_->settings.name, lease_of(std::move(each))));
    }
    const std::lock_guard lock(store_->mutex);
    store_->cells = std::move(cells);
    store_->machines = std::move(machines);
}

void DatastoreChannel::perform(const ha::Action& action) {
    const auto store = store_;
    if (const auto* create = std::get_if<ha::CreateSlot>(&action)) {
        slots_.post([store, make = *create] {
            bool won = false;
            try {
                won = store->files.create(make.slot);
            } catch (...) {
                // Over, and not ours, even if it is there: nobody enters an epoch that failed. The
                // next try is another epoch, at the pace of heartbeats; it need not wait as if this
                // one might still come.
                std::this_thread::sleep_for(kFailedJoin);
                store->answer(ha::SlotCreated{make.op, false});
                throw;
            }
            store->answer(ha::SlotCreated{make.op, won});
        });
    } else if (const auto* write = std::get_if<ha::WriteSlot>(&action)) {
        slots_.post([store, put = *write] {
            store->files.write(put.slot);
            store->answer(ha::SlotWritten{put.op});
        });
    } else if (const auto* all = std::get_if<ha::ReadSlots>(&action)) {
        reads_.post(
            [store, op = all->op] { store->answer(ha::SlotsRead{op, store->files.read_all()}); });
    } else if (const auto* leases = std::get_if<ha::ReadLeases>(&action)) {
        read_leases(leases->op);
    } else if (const auto* swap = std::get_if<ha::SwapLease>(&action)) {
        swap_lease(*swap);
    } else if (const auto* plan = std::get_if<ha::SwapPlan>(&action)) {
        swaps_.post([store, to = *plan] {
            const auto result = store->datastore->compare_and_swap().swap(
                store->plan_cell, to.next.generation - 1, format_plan(to.next, *store->names));
            store->answer(ha::PlanSwapped{to.op, result.won});
        });
    }
}

void DatastoreChannel::read_leases(ha::OpId op) {
    reads_.post([store = store_, op] {
        std::unique_lock lock(store->mutex);
        const auto cells = store->cells;
        lock.unlock();
        ha::LeasesRead read{.op = op};
        for (const auto& cell : cells) read.leases.push_back(store->read(cell));
        read.plan = store->read_plan();
        store->answer(std::move(read));
    });
}

void DatastoreChannel::swap_lease(const ha::SwapLease& swap) {
    swaps_.post([store = store_, swap] {
        std::unique_lock lock(store->mutex);
        const auto found = std::ranges::find(store->machines, swap.machine);
        if (found == store->machines.end()) return;
        const auto cell = store->cells[static_cast<std::size_t>(found - store->machines.begin())];
        lock.unlock();
        const auto text = format_lease(swap.next, *store->names, store->settings.host_name,
                                       store->clock.wall_now());
        const auto result =
            store->datastore->compare_and_swap().swap(cell, swap.next.generation - 1, text);
        store->answer(ha::LeaseSwapped{swap.op, result.won});
    });
}

}  // namespace drover::had
