#include "store/store.hpp"

#include <fmt/format.h>

#include <future>

namespace drover::store {

VersionConflict::VersionConflict(std::string kind, std::string id, std::int64_t expected,
                                 std::int64_t found)
    : StoreError(
          fmt::format("{} '{}' has version {}, not {} as was expected", kind, id, found, expected)),
      kind_(std::move(kind)),
      id_(std::move(id)),
      expected_(expected),
      found_(found) {}

Batch& Batch::put(Record record, std::optional<std::int64_t> expected_version) {
    size_bytes_ += record.kind.size() + record.id.size() + record.value.size() +
                   record.name.size() + record.parent.size();
    writes_.push_back({.kind = std::move(record.kind),
                       .id = std::move(record.id),
                       .expected_version = expected_version,
                       .removes = false,
                       .value = std::move(record.value),
                       .name = std::move(record.name),
                       .parent = std::move(record.parent)});
    return *this;
}

Batch& Batch::remove(std::string kind, std::string id,
                     std::optional<std::int64_t> expected_version) {
    size_bytes_ += kind.size() + id.size();
    Write& write = writes_.emplace_back();
    write.kind = std::move(kind);
    write.id = std::move(id);
    write.expected_version = expected_version;
    write.removes = true;
    return *this;
}

void Store::commit_and_wait(Batch batch) {
    // Shared, because the store's thread may still be inside set_value() when get() returns.
    auto outcome = std::make_shared<std::promise<void>>();
    auto future = outcome->get_future();
    commit(std::move(batch), [outcome](const std::exception_ptr& error) {
        if (error) {
            outcome->set_exception(error);
        } else {
            outcome->set_value();
        }
    });
    future.get();
}

}  // namespace drover::store
