#include "center/link/task_watch.hpp"

#include <fmt/format.h>

#include "vim/fault.hpp"

namespace drover::center {

using task::Awaitable;
using vim::TaskInfo;

namespace {

// A new task is told of within milliseconds; one that is not told of for so long is asked for.
constexpr std::chrono::seconds kUntold{2};

TaskInfo info_of(const vim::ObjectUpdate& update) {
    for (const auto& change : update.changeSet()) {
        const vim::Value value = change.val();
        if (change.name() == "info" && value.kind() == vim::ValueKind::object &&
            value.type() == vim::TypeId::TaskInfo) {
            return TaskInfo(value);
        }
    }
    return {};
}

}  // namespace

bool has_ended(const TaskInfo& info) {
    return info && (info.state() == vim::TaskInfoState::success ||
                    info.state() == vim::TaskInfoState::error);
}

void TaskWatch::tell(Follower& follower, const TaskInfo& info) {
    if (has_ended(follower.last)) return;
    follower.last = info;
    follower.woken.cancel();
    if (follower.progress) follower.progress(info);
}

void TaskWatch::begin_picture() {
    known_.clear();
    has_picture_ = false;
}

void TaskWatch::take(const vim::PropertyFilterUpdate& update) {
    for (const auto& object : update.objectSet()) {
        const std::string id = object.obj().id;
        if (object.kind() == vim::ObjectUpdateKind::leave) {
            known_.erase(id);
            for (auto [at, end] = followers_.equal_range(id); at != end; ++at) {
                at->second->looks = true;
                at->second->woken.cancel();
            }
            continue;
        }
        const TaskInfo info = info_of(object);
        if (!info) continue;
        known_[id] = info;
        // Those who are told may let go of theirs or follow others.
        std::vector<FollowerPtr> told;
        for (auto [at, end] = followers_.equal_range(id); at != end; ++at) {
            told.push_back(at->second);
        }
        for (const FollowerPtr& follower : told) tell(*follower, info);
    }
}

void TaskWatch::end_picture() {
    has_picture_ = true;
    for (const auto& [id, follower] : followers_) {
        if (known_.contains(id)) continue;
        follower->looks = true;
        follower->woken.cancel();
    }
}

void TaskWatch::stop(const std::string& reason) {
    stopped_ = true;
    has_picture_ = false;
    stop_reason_ = reason;
    known_.clear();
    for (const auto& [_, follower] : followers_) follower->woken.cancel();
}

Awaitable<void> TaskWatch::look(FollowerPtr follower, vim::MoRef task) {
    follower->looks = false;
    bool is_gone = false;
    try {
        const TaskInfo info = co_await fetch_(task);
        if (info) tell(*follower, info);
    } catch (const vim::Fault& fault) {
        // Anything else says nothing about the task: the next picture will.
        is_gone = fault.fault().is<vim::ManagedObjectNotFound>();
    }
    if (is_gone && !has_ended(follower->last)) {
        throw vim::make_fault<vim::HostCommunication>(fmt::format(
            "The host does not know its task {} any more: it was restarted. How far it had come is "
            "to be seen on what it worked on.",
            task.id));
    }
}

Awaitable<TaskInfo> TaskWatch::follow(vim::MoRef task, Progress progress) {
    const auto keep = shared_from_this();
    const auto follower = std::make_shared<Follower>(strand_, std::move(progress));
    const auto at = followers_.emplace(task.id, follower);
    const std::shared_ptr<void> leave(nullptr, [this, keep, at](void*) { followers_.erase(at); });
    if (const auto known = known_.find(task.id); known != known_.end()) {
        tell(*follower, known->second);
    }
    while (!has_ended(follower->last)) {
        if (stopped_) {
            throw vim::make_fault<vim::HostNotConnected>(
                fmt::format("The host's task {} is not followed any more: {}.", task.id,
                            stop_reason_.empty() ? "the host is disconnected" : stop_reason_));
        }
        if (follower->looks && has_picture_) {
            co_await look(follower, task);
            continue;
        }
        follower->woken.expires_after(kUntold);
        const auto [error] =
            co_await follower->woken.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (!error && !known_.contains(task.id)) follower->looks = true;
    }
    co_return follower->last;
}

}  // namespace drover::center
