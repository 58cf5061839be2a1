#pragma once

// Who may run a machine. The lease lies beside the machine on its datastore, exists from power-on,
// and changes only by compare-and-swap: of all hosts that try at once, one gets the next
// generation.
//
//   VmLease lease(datastore.compare_and_swap(), clock, path_of("vm/vm.lease"));
//   auto now = lease.read();
//   auto got = lease.acquire(now.generation, me);
//   if (!got.won) -> got.current.owner_name runs it
//
// A lease that can't be read is unknown, never free: calls then throw `corrupt`.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "storage/compare_and_swap.hpp"

namespace drover::storage {

/// Who acts: an id that is never used twice (host and epoch), and a name for people.
struct LeaseHolder {
    std::string id;
    std::string name;
};

struct LeaseState {
    std::uint64_t generation = 0;  ///< 0 = there never was a lease
    std::string owner;             ///< empty = free
    std::string owner_name;
    std::string successor;  ///< an id: the target of a migration under way; usually empty
    base::WallTime time;    ///< when it was written, by the writer's clock; for people only

    bool is_held() const { return !owner.empty(); }
    friend bool operator==(const LeaseState&, const LeaseState&) = default;
};

/// The lease's text: JSON on one line.
std::string format_lease(const LeaseState& state);
/// The reason if the text is no whole lease of this generation.
std::expected<LeaseState, std::string> parse_lease(std::string_view text, std::uint64_t generation);

struct LeaseResult {
    bool won = false;
    LeaseState current;  ///< after the call: ours if won, else who holds it and at what generation
};

/// All calls block, are safe from any thread, and throw StorageError. When one throws, whether the
/// change happened is not known: read() again.
class VmLease {
public:
    static constexpr std::size_t kMaxFieldBytes = 256;

    /// References must outlive this. `cell` is the lease's path; the generation is added to it.
    VmLease(CompareAndSwap& cells, const base::Clock& clock, DatastorePath cell);

    LeaseState read();

    /// Takes a lease that is free, is ours already, or names us its successor; and only if it
    /// still stands at `expected_generation`.
    LeaseResult acquire(std::uint64_t expected_generation, const LeaseHolder& who);

    /// Takes the lease from whoever holds it. Only for one who knows that the holder is dead.
    LeaseResult take_over(std::uint64_t expected_generation, const LeaseHolder& who);

    /// Takes a lease whose text can't be read (the generation is that of the unreadable one). The
    /// last resort of an administrator who has made sure that nobody runs the machine.
    LeaseResult replace_unreadable(std::uint64_t expected_generation, const LeaseHolder& who);

    /// Names who gets the machine next, or nobody (empty). Lost unless `who` holds the lease.
    LeaseResult set_successor(std::uint64_t expected_generation, const LeaseHolder& who,
                              const std::string& successor);

    /// Frees the lease. Lost unless `who` holds it.
    LeaseResult release(std::uint64_t expected_generation, const LeaseHolder& who);

    /// Forgets the lease of a machine that is deleted.
    void remove() { cells_.remove(cell_); }

private:
    LeaseState parse(const CellState& cell) const;
    LeaseResult swap(LeaseState next);

    CompareAndSwap& cells_;
    const base::Clock& clock_;
    DatastorePath cell_;
};

}  // namespace drover::storage
