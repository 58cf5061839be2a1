#include "had/datastore/lease_store.hpp"

#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/clock.hpp"
#include "had/datastore/cell_format.hpp"
#include "storage/datastore_path.hpp"
#include "storage/directory/directory_datastore.hpp"

namespace drover::had {

namespace {

using Steady = std::chrono::steady_clock;

// A few, since one that hangs must not hold up the next try.
constexpr std::size_t kReaders = 2;
constexpr std::size_t kSwappers = 3;
constexpr std::size_t kMostReads = 8;
constexpr std::size_t kMostSwaps = 256;
constexpr std::chrono::milliseconds kLate{400};

}  // namespace

// Owned by the store and by every piece of work: one that hangs outlives the store.
struct LeaseStore::Shared {
    Shared(LeaseStoreSettings how, std::shared_ptr<Names> known)
        : settings(std::move(how)), names(std::move(known)) {}

    // Opened by those who may hang.
    storage::Datastore& open() {
        const std::lock_guard lock(opening);
        if (!datastore) {
            datastore =
                storage::open_directory_datastore(settings.name, settings.path, settings.uuid);
        }
        return *datastore;
    }
    std::optional<ha::Lease> read(const storage::DatastorePath& cell) {
        try {
            const auto state = open().compare_and_swap().read(cell);
            if (state.generation == 0) return ha::Lease{};
            return parse_lease(state.content, state.generation, *names, settings.host);
        } catch (const std::exception&) {
            return std::nullopt;  // unreadable is unknown
        }
    }

    const LeaseStoreSettings settings;
    const std::shared_ptr<Names> names;
    const base::SystemClock clock{};
    std::mutex opening{};
    std::unique_ptr<storage::Datastore> datastore{};

    std::mutex mutex{};
    std::size_t unanswered = 0;
    Steady::time_point answered{};  ///< or asked, when there was nothing unanswered
};

LeaseStore::LeaseStore(LeaseStoreSettings settings, std::shared_ptr<Names> names)
    : settings_(std::move(settings)),
      shared_(std::make_shared<Shared>(settings_, std::move(names))),
      reads_(kReaders, kMostReads),
      swaps_(kSwappers, kMostSwaps) {}

// As hosts name it: beside the .vmx file.
storage::DatastorePath LeaseStore::lease_of(std::string vmx_file) const {
    if (vmx_file.ends_with(".vmx")) vmx_file.resize(vmx_file.size() - 4);
    auto path = storage::DatastorePath::make(settings_.name, vmx_file + ".lease");
    if (!path) throw std::runtime_error(vmx_file + ": " + path.error());
    return std::move(*path);
}

bool LeaseStore::is_late() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->unanswered > 0 && Steady::now() - shared_->answered > kLate;
}

bool LeaseStore::read(std::vector<storage::DatastorePath> cells, std::function<void(Leases)> done) {
    std::unique_lock lock(shared_->mutex);
    if (shared_->unanswered++ == 0) shared_->answered = Steady::now();
    lock.unlock();
    const bool is_posted =
        reads_.post([store = shared_, cells = std::move(cells), done = std::move(done)] {
            Leases leases;
            for (const auto& cell : cells) leases.push_back(store->read(cell));
            std::unique_lock own(store->mutex);
            --store->unanswered;
            store->answered = Steady::now();
            own.unlock();
            done(std::move(leases));
        });
    if (!is_posted) {
        lock.lock();
        --shared_->unanswered;
    }
    return is_posted;
}

void LeaseStore::swap(storage::DatastorePath cell, const ha::Lease& next,
                      std::function<void(bool won)> answer) {
    swaps_.post([store = shared_, cell = std::move(cell), next, answer = std::move(answer)] {
        const auto text =
            format_lease(next, *store->names, store->settings.host_name, store->clock.wall_now());
        answer(store->open().compare_and_swap().swap(cell, next.generation - 1, text).won);
    });
}

}  // namespace drover::had
