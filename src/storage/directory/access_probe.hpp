#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "storage/datastore.hpp"

namespace drover::storage::directory {

/// Asks storage for its state with a deadline. A hung mount blocks the thread that asks, beyond any
/// signal; so a thread of its own asks, and there is never more than one of them. Thread-safe.
class AccessProbe {
public:
    /// `ask` runs on the other thread; it and all that it refers to are kept until it returns.
    AccessProbe(std::function<DatastoreInfo()> ask, std::chrono::milliseconds limit);

    /// The answer; empty if there is none within the limit.
    std::optional<DatastoreInfo> get();

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
    std::chrono::milliseconds limit_;
};

}  // namespace drover::storage::directory
