#pragma once

// The one primitive by which hosts agree: a cell that holds a text and a generation, and that
// changes from generation g to g + 1 for exactly one of all who try.

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/datastore_path.hpp"

namespace drover::storage {

struct CellState {
    std::uint64_t generation = 0;  ///< 0 = nobody has ever written the cell
    std::string content;
};

struct SwapResult {
    bool won = false;
    CellState current;  ///< what was written if won, else what others wrote
};

class CompareAndSwap {
public:
    static constexpr std::size_t kMaxContentBytes = 64 * 1024;

    virtual ~CompareAndSwap() = default;

    /// The cell's newest state. Blocks; any thread; throws StorageError.
    virtual CellState read(const DatastorePath& cell) = 0;

    /// Writes generation `expected` + 1 if the cell stands at `expected`. Durable on every host
    /// when it returns. Blocks; any thread. When it throws, the outcome is not known: read again.
    virtual SwapResult swap(const DatastorePath& cell, std::uint64_t expected,
                            std::string_view content) = 0;

    /// Forgets the cell. Only for one that nobody will ever swap again (its machine is deleted).
    virtual void remove(const DatastorePath& cell) = 0;
};

}  // namespace drover::storage
