#pragma once

// The tasks of one host, for those who wait for them. Fed from one filter over all recent tasks of
// the host, so that a task that is followed costs no request of its own.

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "task/runtime.hpp"
#include "vim/types.hpp"

namespace drover::center {

/// Belongs to the strand. Must be held by a shared_ptr.
class TaskWatch : public std::enable_shared_from_this<TaskWatch> {
public:
    using Progress = std::function<void(const vim::TaskInfo&)>;
    /// Reads a task's info anew; throws the host's fault if it is gone.
    using Fetch = std::function<task::Awaitable<vim::TaskInfo>(vim::MoRef)>;

    TaskWatch(boost::asio::any_io_executor strand, Fetch fetch)
        : strand_(std::move(strand)), fetch_(std::move(fetch)) {}

    /// See HostLink::follow_task.
    task::Awaitable<vim::TaskInfo> follow(vim::MoRef task, Progress progress);

    /// A picture begins: what was known may be gone.
    void begin_picture();
    void take(const vim::PropertyFilterUpdate& update);
    /// The picture is whole: whoever waits for a task that is not in it looks for himself.
    void end_picture();
    /// Nothing will come any more; everybody who waits gets HostNotConnected.
    void stop(const std::string& reason);
    void start() { stopped_ = false; }

private:
    struct Follower {
        Follower(const boost::asio::any_io_executor& strand, Progress progress_)
            : progress(std::move(progress_)), woken(strand) {}
        Progress progress;
        vim::TaskInfo last;
        boost::asio::steady_timer woken;
        bool looks = false;  // the task is not among those we are told of
    };
    using FollowerPtr = std::shared_ptr<Follower>;

    void tell(Follower& follower, const vim::TaskInfo& info);
    task::Awaitable<void> look(FollowerPtr follower, vim::MoRef task);

    boost::asio::any_io_executor strand_;
    Fetch fetch_;
    std::map<std::string, vim::TaskInfo, std::less<>> known_;
    std::multimap<std::string, FollowerPtr, std::less<>> followers_;
    bool stopped_ = true;
    bool has_picture_ = false;
    std::string stop_reason_;
};

/// True once the task has come to its end.
bool has_ended(const vim::TaskInfo& info);

}  // namespace drover::center
