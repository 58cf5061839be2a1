#include "store/journal.hpp"

#include <fmt/format.h>

#include <map>

namespace drover::store {
namespace {

constexpr const char* kSagaKind = "saga";
constexpr const char* kStepKind = "saga_step";

// Steps sort by their number, whatever the saga's id looks like: the number has a fixed width.
std::string step_id(const std::string& saga_id, std::int64_t number) {
    return fmt::format("{}/{:08}", saga_id, number);
}

Record existing_saga(const Store& store, const std::string& saga_id) {
    auto saga = store.get(kSagaKind, saga_id);
    if (!saga) throw StoreError(fmt::format("saga '{}' has not begun or has ended", saga_id));
    return *std::move(saga);
}

}  // namespace

void Journal::begin(const std::string& saga_id, std::string kind, std::string parameters) {
    Batch batch;
    batch.put({.kind = kSagaKind,
               .id = saga_id,
               .value = std::move(parameters),
               .name = std::move(kind),
               .parent = {}},
              0);
    store_.commit_and_wait(std::move(batch));
}

// The saga's record is written with each step: its version counts the steps, and a step of a saga
// that ended meanwhile is refused as a conflict.
void Journal::step_done(const std::string& saga_id, std::string step, std::string data) {
    Record saga = existing_saga(store_, saga_id);
    const std::int64_t version = saga.version;
    Batch batch;
    batch.put(std::move(saga), version);
    batch.put({.kind = kStepKind,
               .id = step_id(saga_id, version),
               .value = std::move(data),
               .name = std::move(step),
               .parent = saga_id},
              0);
    store_.commit_and_wait(std::move(batch));
}

void Journal::end(const std::string& saga_id, Batch with) {
    const Record saga = existing_saga(store_, saga_id);
    for (std::int64_t number = 1; number < saga.version; ++number) {
        with.remove(kStepKind, step_id(saga_id, number));
    }
    with.remove(kSagaKind, saga_id, saga.version);
    store_.commit_and_wait(std::move(with));
}

std::vector<UnfinishedSaga> Journal::unfinished() const {
    std::map<std::string, std::vector<SagaStep>> steps;
    for (Record& step : store_.load(kStepKind)) {
        steps[step.parent].push_back({std::move(step.name), std::move(step.value)});
    }
    std::vector<UnfinishedSaga> sagas;
    for (Record& saga : store_.load(kSagaKind)) {
        auto its_steps = std::move(steps[saga.id]);
        sagas.push_back({std::move(saga.id), std::move(saga.name), std::move(saga.value),
                         std::move(its_steps)});
    }
    return sagas;
}

}  // namespace drover::store
