#include "had/datastore/work_queue.hpp"

#include <thread>
#include <utility>

#include "base/log.hpp"

namespace drover::had {

WorkQueue::WorkQueue(std::size_t threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
    for (std::size_t i = 0; i < threads; ++i) std::thread(run, shared_).detach();
}

WorkQueue::~WorkQueue() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_over = true;
    shared_->waiting.clear();
    shared_->changed.notify_all();
}

bool WorkQueue::post(std::function<void()> work) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= most_waiting_) return false;
    shared_->waiting.push_back(std::move(work));
    shared_->changed.notify_one();
    return true;
}

void WorkQueue::run(std::shared_ptr<Shared> shared) {
    std::unique_lock lock(shared->mutex);
    while (true) {
        shared->changed.wait(lock, [&] { return shared->is_over || !shared->waiting.empty(); });
        if (shared->is_over) return;
        const auto work = std::move(shared->waiting.front());
        shared->waiting.pop_front();
        lock.unlock();
        std::string complaint;
        try {
            work();
        } catch (const std::exception& error) {
            complaint = error.what();  // no answer: whoever asked asks again
        }
        lock.lock();
        if (!complaint.empty() && complaint != shared->complaint) {
            base::log_warning("the datastore: {}", complaint);
        }
        shared->complaint = std::move(complaint);
    }
}

}  // namespace drover::had
