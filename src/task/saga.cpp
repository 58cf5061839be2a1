#include "task/saga.hpp"

#include "base/log.hpp"

namespace drover::task {

namespace {
constexpr std::chrono::seconds kJournalLimit{60};
constexpr std::chrono::seconds kFirstRetry{15};
constexpr std::chrono::seconds kLongestPause{600};
}  // namespace

SagaRunner::SagaRunner(Runtime& runtime, store::Journal& journal,
                       std::function<std::string()> new_id)
    : runtime_(runtime), journal_(journal), new_id_(std::move(new_id)) {}

void SagaRunner::add_kind(std::string kind, Builder builder) {
    builders_.emplace(std::move(kind), std::move(builder));
}

template <class Work>
Awaitable<void> SagaRunner::journal_write(Work work) {
    co_await runtime_.blocking("journal", std::move(work), kJournalLimit);
}

Awaitable<void> SagaRunner::run(Saga saga) {
    const std::string id = new_id_();
    co_await journal_write([this, id, kind = saga.kind, parameters = saga.parameters] {
        journal_.begin(id, kind, parameters);
    });
    std::size_t at = 0;
    co_await perform(id, saga, at, false);
}

Awaitable<void> SagaRunner::perform(const std::string& id, const Saga& saga, std::size_t& at,
                                    bool is_retry) {
    std::exception_ptr failure;
    bool effect_possible = false;  // of the step `at`
    bool must_finish = false;
    for (std::size_t i = 0; i < at; ++i) must_finish |= saga.steps[i].point_of_no_return;
    try {
        for (; at < saga.steps.size(); ++at) {
            co_await saga.steps[at].perform();
            effect_possible = true;
            co_await journal_write(
                [this, id, name = saga.steps[at].name] { journal_.step_done(id, name); });
            effect_possible = false;
            must_finish |= saga.steps[at].point_of_no_return;
        }
        store::Batch result = saga.result ? saga.result() : store::Batch{};
        co_await journal_write([this, id, result = std::move(result)]() mutable {
            journal_.end(id, std::move(result));
        });
    } catch (const BlockingTimeout&) {
        failure = std::current_exception();
        effect_possible = true;
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    // Past the point of no return what is left to do is tried again and again, and waits in the
    // journal should the process end before.
    // A step that throws has left nothing; one that was given up, or that the journal could not
    // note, may have had its effect.
    const std::size_t count = effect_possible ? at + 1 : at;
    if (!must_finish) {
        co_await undo(id, saga, std::min(count, saga.steps.size()));
    } else if (!is_retry) {
        runtime_.spawn("saga " + saga.kind, finish_later(id, saga, at));
    }
    std::rethrow_exception(failure);
}

// Begins with the step that failed, which bears repetition.
Awaitable<void> SagaRunner::finish_later(std::string id, Saga saga, std::size_t at) {
    for (auto pause = kFirstRetry;; pause = std::min(pause * 2, kLongestPause)) {
        co_await runtime_.sleep(pause);
        try {
            co_await perform(id, saga, at, true);
            base::log_info("saga {} {}: finished after all", saga.kind, id);
            if (saga.finished_later) saga.finished_later();
            co_return;
        } catch (const std::exception& error) {
            base::log_warning("saga {} {}: still not finished: {}", saga.kind, id, error.what());
        }
    }
}

Awaitable<void> SagaRunner::undo(const std::string& id, const Saga& saga, std::size_t count) {
    std::string problem;
    for (std::size_t i = count; i-- > 0 && problem.empty();) {
        if (!saga.steps[i].undo) continue;
        try {
            co_await saga.steps[i].undo();
        } catch (const std::exception& error) {
            problem = saga.steps[i].name + ": " + error.what();
        }
    }
    if (!problem.empty()) {
        base::log_error("saga {} {}: undo failed, to be repeated at the next start: {}", saga.kind,
                        id, problem);
        co_return;
    }
    try {
        co_await journal_write([this, id] { journal_.end(id); });
    } catch (const std::exception& error) {
        // What made the saga fail matters more to its caller; undoing once more does no harm.
        base::log_error("saga {} {}: undone, but that could not be noted: {}", saga.kind, id,
                        error.what());
    }
}

Awaitable<void> SagaRunner::recover() {
    const auto unfinished = co_await runtime_.blocking(
        "journal", [this] { return journal_.unfinished(); }, kJournalLimit);
    for (const store::UnfinishedSaga& saga : unfinished) {
        try {
            co_await recover_one(saga);
        } catch (const std::exception& error) {
            base::log_error("saga {} {} could not be ended: {}", saga.kind, saga.id, error.what());
        }
    }
}

Awaitable<void> SagaRunner::recover_one(const store::UnfinishedSaga& unfinished) {
    const auto builder = builders_.find(unfinished.kind);
    if (builder == builders_.end()) {
        base::log_error("saga {}: unknown kind '{}', left alone", unfinished.id, unfinished.kind);
        co_return;
    }
    const Saga saga = builder->second(unfinished.parameters);
    const std::size_t done = std::min(unfinished.steps.size(), saga.steps.size());
    bool must_finish = false;
    for (std::size_t i = 0; i < done; ++i) must_finish |= saga.steps[i].point_of_no_return;
    base::log_info("saga {} {}: {} of {} steps were done, {}", saga.kind, unfinished.id, done,
                   saga.steps.size(), must_finish ? "finishing it" : "undoing it");
    if (must_finish) {
        std::size_t at = done;
        co_await perform(unfinished.id, saga, at, false);
    } else {
        // The step after the last recorded one may have happened as well.
        co_await undo(unfinished.id, saga, std::min(done + 1, saga.steps.size()));
    }
}

}  // namespace drover::task
