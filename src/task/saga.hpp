#pragma once

// Operations of several steps that survive a crash. A saga is a list of named steps, each with its
// undo; the journal knows which steps were done. If a step fails, the steps before it are undone,
// last first. If the process dies, the next start finds the saga in the journal and undoes it, or,
// if it had passed its point of no return, finishes it. So steps and undos must bear repetition,
// and the undo of a step that may or may not have happened must be harmless.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "store/journal.hpp"
#include "task/runtime.hpp"

namespace drover::task {

struct SagaStep {
    std::string name;
    std::function<Awaitable<void>()> perform;
    std::function<Awaitable<void>()> undo;  ///< empty: nothing to undo
    /// Once this step is done the saga is only ever finished, never undone.
    bool point_of_no_return = false;
};

struct Saga {
    std::string kind;        ///< names it in the journal, for example "vm.create"
    std::string parameters;  ///< all that is needed to build the steps again, as text
    std::vector<SagaStep> steps;
    /// Stored in the same instant in which the saga ends well.
    std::function<store::Batch()> result;
    /// Called on the strand if the saga has failed past its point of no return and was finished in
    /// the background: for what its caller would have done in the end.
    std::function<void()> finished_later{};
};

/// Runs sagas and, at start, ends those that a crash cut off. One strand.
class SagaRunner {
public:
    /// Builds a saga of one kind again from its parameters.
    using Builder = std::function<Saga(const std::string& parameters)>;

    SagaRunner(Runtime& runtime, store::Journal& journal, std::function<std::string()> new_id);

    /// Says how sagas of a kind are built again after a crash.
    void add_kind(std::string kind, Builder builder);

    /// Runs all steps. If one throws, the ones before it are undone, and the exception comes out of
    /// here. A step that throws must have left nothing itself, unless it throws BlockingTimeout:
    /// then it is undone as well, and so is a step that the journal could not note. A saga that
    /// fails past its point of no return is finished later, in the background. If an undo
    /// fails too, that is logged and the saga stays in the journal: the next start tries again.
    Awaitable<void> run(Saga saga);

    /// Ends what the last run of the process left unfinished. Call once, before new work begins.
    Awaitable<void> recover();

private:
    /// From the step `at` on, which it moves on to the one that fails.
    Awaitable<void> perform(const std::string& id, const Saga& saga, std::size_t& at,
                            bool is_retry);
    Awaitable<void> finish_later(std::string id, Saga saga, std::size_t at);
    Awaitable<void> undo(const std::string& id, const Saga& saga, std::size_t count);
    Awaitable<void> recover_one(const store::UnfinishedSaga& unfinished);
    template <class Work>
    Awaitable<void> journal_write(Work work);

    Runtime& runtime_;
    store::Journal& journal_;
    std::function<std::string()> new_id_;
    std::map<std::string, Builder> builders_;
};

}  // namespace drover::task
