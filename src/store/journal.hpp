#pragma once

// The saga journal: what an operation of several steps has done so far, so that after a crash it
// can be finished or undone. Write a step's entry after the step was done; a step whose entry is
// missing may or may not have happened, so steps and their undos must bear repetition.

#include <string>
#include <vector>

#include "store/store.hpp"

namespace drover::store {

struct SagaStep {
    std::string name;
    std::string data;  ///< what the step's undo needs; opaque

    friend bool operator==(const SagaStep&, const SagaStep&) = default;
};

/// A saga that began and didn't end.
struct UnfinishedSaga {
    std::string id;
    std::string kind;             ///< names the operation, for example "create_vm"
    std::string parameters;       ///< opaque
    std::vector<SagaStep> steps;  ///< in the order of their step_done() calls

    friend bool operator==(const UnfinishedSaga&, const UnfinishedSaga&) = default;
};

/// Keeps its entries as records "saga" and "saga_step" of a store that outlives it. Thread-safe;
/// the calls of one saga come one after the other. Saga ids: 1 to 512 bytes, unique for ever
/// (uuid).
class Journal {
public:
    explicit Journal(Store& store) : store_(store) {}

    // Blocking: on return the entry is durable. They throw StoreError; a call for a saga that
    // never began or has ended, or that began before (begin), is one.
    void begin(const std::string& saga_id, std::string kind, std::string parameters);
    void step_done(const std::string& saga_id, std::string step, std::string data = {});
    /// Forgets the saga: it came to its end, or was undone. `with` is stored in the same instant,
    /// so that the saga's result and its end can't be torn apart.
    void end(const std::string& saga_id, Batch with = {});

    /// What a crash left behind, ordered by saga id. Read it before new sagas begin.
    std::vector<UnfinishedSaga> unfinished() const;

private:
    Store& store_;
};

}  // namespace drover::store
