#include "center/context.hpp"

namespace drover::center {

namespace {
constexpr std::chrono::seconds kStoreLimit{60};
}

task::Awaitable<void> commit(const CenterBasics& context, store::Batch batch) {
    if (batch.writes().empty()) co_return;
    co_await context.runtime.blocking(
        "store",
        [&store = context.store, batch = std::move(batch)]() mutable {
            store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
}

}  // namespace drover::center
