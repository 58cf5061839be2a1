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
constexpr std::size_t kPlanners = 2;
constexpr std::chrono::milliseconds kFailedJoin{500};

storage::DatastorePath path_of(const std::string& datastore, const std::string& relative) {
    auto path = storage::DatastorePath::make(datastore, relative);
    if (!path) throw std::runtime_error(relative + ": " + path.error());
    return std::move(*path);
}

}  // namespace

// Owned by the channel and by every piece of work: one that hangs outlives the channel.
struct DatastoreChannel::Store {
    Store(const LeaseStoreSettings& how, std::shared_ptr<Names> known,
          std::function<void(ha::Event)> to)
        : names(std::move(known)),
          answer(std::move(to)),
          files(how.path / DatastoreChannel::kDirectory, *names),
          datastore(storage::open_directory_datastore(how.name, how.path)),
          plan_cell(path_of(how.name, std::string(DatastoreChannel::kDirectory) + "/plan")) {}

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

    std::shared_ptr<Names> names;
    std::function<void(ha::Event)> answer;
    SlotFiles files;
    std::unique_ptr<storage::Datastore> datastore;
    storage::DatastorePath plan_cell;
};

// Which machine's lease is where; never changed, but for what came too late. The first of the parts
// is the datastore where hosts watch each other.
struct DatastoreChannel::Layout {
    struct Part {
        std::shared_ptr<LeaseStore> store{};
        std::vector<storage::DatastorePath> cells{};
        std::vector<std::size_t> rows{};  ///< of the cells, among all machines
    };
    struct Place {
        std::size_t part = 0;
        std::size_t row = 0;
    };
    std::vector<Part> parts{};
    std::vector<ha::MachineId> machines{};
    std::vector<Place> places{};

    std::mutex mutex{};
    /// By part: what was read when nobody waited for it any more. Older than what is read next,
    /// which is safe: slots are read after it, and a swap from an old lease is lost.
    std::vector<std::optional<LeaseStore::Leases>> late{};
};

// A reading of all leases: answered when every datastore has answered that is waited for.
struct DatastoreChannel::Gathering {
    Gathering(std::shared_ptr<Layout> which, ha::OpId op, std::function<void(ha::Event)> to)
        : layout(std::move(which)), answer(std::move(to)) {
        read.op = op;
        read.leases.resize(layout->machines.size());
    }
    void fill(std::size_t part, const LeaseStore::Leases& leases) {
        const auto& rows = layout->parts[part].rows;
        for (std::size_t at = 0; at < rows.size(); ++at) read.leases[rows[at]] = leases[at];
    }
    void take(std::size_t part, LeaseStore::Leases leases, bool is_waited_for) {
        std::unique_lock lock(mutex);
        if (missing == 0) {
            const std::lock_guard of_layout(layout->mutex);
            layout->late[part] = std::move(leases);
            return;
        }
        fill(part, leases);
        if (is_waited_for && --missing == 0) {
            lock.unlock();
            answer(std::move(read));
        }
    }

    std::shared_ptr<Layout> layout;
    std::function<void(ha::Event)> answer;
    std::mutex mutex{};
    ha::LeasesRead read{};
    std::size_t missing = 0;
};

DatastoreChannel::DatastoreChannel(const LeaseStoreSettings& settings, std::shared_ptr<Names> names,
                                   std::function<void(ha::Event)> answer)
    : names_(names),
      store_(std::make_shared<Store>(settings, names, std::move(answer))),
      leases_(std::make_shared<LeaseStore>(settings, names)),
      layout_(std::make_shared<Layout>()),
      slots_(1, 4),
      reads_(kReaders, 8),
      plans_(kPlanners, 8) {
    protect({}, {});
}

DatastoreChannel::~DatastoreChannel() = default;

// One that is used already goes on: what hangs there holds its threads.
std::shared_ptr<LeaseStore> DatastoreChannel::store_of(const LeaseStoreSettings& settings) const {
    for (const auto& part : layout_->parts) {
        if (part.store->settings() == settings) return part.store;
    }
    return std::make_shared<LeaseStore>(settings, names_);
}

void DatastoreChannel::protect(const std::vector<LeasePlace>& places,
                               const std::vector<LeaseStoreSettings>& others) {
    auto made = std::make_shared<Layout>();
    made->parts.push_back({.store = leases_});
    for (const auto& each : others) made->parts.push_back({.store = store_of(each)});
    made->late.resize(made->parts.size());
    for (const auto& place : places) {
        auto part = made->parts.begin();
        if (!place.datastore.empty()) {
            part = std::find_if(std::next(part), made->parts.end(), [&](const auto& each) {
                return each.store->settings().uuid == place.datastore;
            });
        }
        if (part == made->parts.end()) {
            throw std::runtime_error(place.vmx_file + ": there is no datastore " + place.datastore);
        }
        made->places.push_back(
            {static_cast<std::size_t>(part - made->parts.begin()), part->cells.size()});
        part->rows.push_back(made->machines.size());
        part->cells.push_back(part->store->lease_of(place.vmx_file));
        made->machines.push_back(place.machine);
    }
    layout_ = std::move(made);
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
        plans_.post([store, to = *plan] {
            const auto result = store->datastore->compare_and_swap().swap(
                store->plan_cell, to.next.generation - 1, format_plan(to.next, *store->names));
            store->answer(ha::PlanSwapped{to.op, result.won});
        });
    }
}

// The plan is beside the slots: without them there is nothing to decide.
void DatastoreChannel::read_leases(ha::OpId op) {
    const auto layout = layout_;
    const auto all = std::make_shared<Gathering>(layout, op, store_->answer);
    std::vector<bool> is_waited_for;
    for (std::size_t part = 0; part < layout->parts.size(); ++part) {
        is_waited_for.push_back(part == 0 || !layout->parts[part].store->is_late());
        if (is_waited_for.back()) ++all->missing;
        const std::lock_guard lock(layout->mutex);
        if (auto late = std::exchange(layout->late[part], std::nullopt)) all->fill(part, *late);
    }
    for (std::size_t part = 0; part < layout->parts.size(); ++part) {
        const bool waits = is_waited_for[part];
        const auto& [store, cells, rows] = layout->parts[part];
        const bool is_asked =
            store->read(cells, [all, part, waits, own = store_](LeaseStore::Leases leases) {
                if (part == 0) all->read.plan = own->read_plan();
                all->take(part, std::move(leases), waits);
            });
        // Too many wait there: it hangs, though it was not known yet.
        if (!is_asked && part != 0 && waits) all->take(part, LeaseStore::Leases(rows.size()), true);
    }
}

void DatastoreChannel::swap_lease(const ha::SwapLease& swap) {
    const auto found = std::ranges::find(layout_->machines, swap.machine);
    if (found == layout_->machines.end()) return;
    const auto at = layout_->places[static_cast<std::size_t>(found - layout_->machines.begin())];
    const auto& part = layout_->parts[at.part];
    part.store->swap(part.cells[at.row], swap.next, [store = store_, op = swap.op](bool won) {
        store->answer(ha::LeaseSwapped{op, won});
    });
}

}  // namespace drover::had
