#pragma once

// Applies batches to the file, many in one transaction. Knows nothing of threads and queues.

#include <span>

#include "store/sqlite/connection.hpp"

namespace drover::store::sqlite {

class Writer {
public:
    explicit Writer(Connection& connection);

    /// Stores the batches in one transaction, if need be in several. Returns one outcome each:
    /// null means durable. A batch that fails leaves nothing behind and does not harm the others.
    std::vector<std::exception_ptr> store(std::span<const Batch* const> batches);

    std::uint64_t transactions() const { return transactions_; }

private:
    void apply_guarded(const Batch& batch, std::exception_ptr& outcome);
    void apply(const Batch& batch);
    void apply(const Write& write);
    std::exception_ptr store_together(std::span<const Batch* const> batches,
                                      std::span<std::exception_ptr> outcomes);
    void roll_back() noexcept;

    Connection& connection_;
    Statement version_of_;
    Statement put_;
    Statement remove_;
    std::uint64_t transactions_ = 0;
};

}  // namespace drover::store::sqlite
