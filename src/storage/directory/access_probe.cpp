#include "storage/directory/access_probe.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace drover::storage::directory {

struct AccessProbe::Shared {
    std::function<DatastoreInfo()> ask;
    std::mutex mutex;
    std::condition_variable changed;
    bool is_asking = false;
    std::uint64_t started = 0;   // questions
    std::uint64_t finished = 0;  // the newest question that has its answer
    DatastoreInfo answer;
};

AccessProbe::AccessProbe(std::function<DatastoreInfo()> ask, std::chrono::milliseconds limit)
    : shared_(std::make_shared<Shared>()), limit_(limit) {
    shared_->ask = std::move(ask);
}

std::optional<DatastoreInfo> AccessProbe::get() {
    std::unique_lock lock(shared_->mutex);
    // A question that is under way for somebody else began before this call: its answer could be
    // older than what the caller has just done. Wait for it, then ask anew.
    const auto deadline = std::chrono::steady_clock::now() + limit_;
    const auto idle = [this] { return !shared_->is_asking; };
    if (!shared_->changed.wait_until(lock, deadline, idle)) return std::nullopt;
    const std::uint64_t mine = ++shared_->started;
    std::thread([shared = shared_, mine] {
        DatastoreInfo answer = shared->ask();
        const std::lock_guard guard(shared->mutex);
        shared->answer = std::move(answer);
        shared->finished = mine;
        shared->is_asking = false;
        shared->changed.notify_all();
    }).detach();
    shared_->is_asking = true;  // its thread can't be past the lock yet
    const auto answered = [&] { return shared_->finished >= mine; };
    if (!shared_->changed.wait_until(lock, deadline, answered)) return std::nullopt;
    return shared_->answer;
}

}  // namespace drover::storage::directory
