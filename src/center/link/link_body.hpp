#pragma once

// What a HostLink is behind its handle. Coroutines hold it, so that it outlives the handle until
// they have ended.
//
// One coroutine connects, takes the whole picture and then pings. Two more follow the updates and
// the tasks. One watches the time since the host was last heard, whatever it said: that alone
// decides whether it responds. When it comes back, everything is read anew with the same session,
// or with a new one if the host has forgotten it.

#include <memory>
#include <string>
#include <vector>

#include "center/link/host_link.hpp"
#include "center/link/host_session.hpp"
#include "center/link/picture.hpp"
#include "center/link/task_watch.hpp"

namespace drover::center {

class HostLink::Body : public std::enable_shared_from_this<HostLink::Body> {
public:
    Body(task::Runtime& runtime, LinkTarget target, LinkLimits limits)
        : runtime_(runtime), target_(std::move(target)), limits_(limits) {}

    void prepare();

    task::Awaitable<void> connect();
    task::Awaitable<vim::Value> call(std::string method, vim::MoRef self, vim::Value request,
                                     std::chrono::milliseconds limit);
    void run();
    void stop();
    void set_target(LinkTarget target);

    void on_update(Update callback) { updates_.push_back(std::move(callback)); }
    void on_state(std::function<void(LinkState, std::string)> callback) {
        states_.push_back(std::move(callback));
    }
    void forget_callbacks() {
        updates_.clear();
        states_.clear();
    }

    TaskWatch& tasks() { return *tasks_; }
    const LinkTarget& target() const { return target_; }
    const vim::ServiceContent& content() const { return content_; }
    LinkState state() const { return state_; }
    const std::string& reason() const { return reason_; }
    const vim::LocalizedMethodFault& fault() const { return fault_; }

private:
    /// What is followed at the host between one picture and the next.
    struct Followed {
        Followed(std::shared_ptr<HostSession> session, std::chrono::seconds poll)
            : picture(session, poll), tasks(session, poll) {}
        void end() {
            picture.end();
            tasks.end();
        }
        UpdateStream picture;
        UpdateStream tasks;
        bool over = false;    // nobody listens to it any more
        bool broken = false;  // no more updates come
    };
    using FollowedPtr = std::shared_ptr<Followed>;

    bool is_running(std::uint64_t run) const { return run == run_; }
    std::string name() const { return display_name(target_.address, target_.port); }
    void heard();
    void set_state(LinkState state, std::string reason = {}, const vim::Fault* fault = nullptr);
    void tell_update(const vim::PropertyFilterUpdate& update, bool is_first);
    void drop_session();
    void note_failure(std::exception_ptr error);
    task::Awaitable<vim::TaskInfo> fetch_task(vim::MoRef task);

    task::Awaitable<void> supervise(std::uint64_t run);
    task::Awaitable<void> watch_silence(std::uint64_t run);
    /// One try to log in or to hear the host again. True if it answered.
    task::Awaitable<bool> reach();
    task::Awaitable<bool> ping();
    /// Reads everything. Null if that failed.
    task::Awaitable<FollowedPtr> take_picture(std::uint64_t run);
    task::Awaitable<void> keep_pinging(std::uint64_t run, FollowedPtr followed);
    static task::Awaitable<void> follow_updates(std::shared_ptr<Body> body, FollowedPtr followed);
    static task::Awaitable<void> follow_tasks(std::shared_ptr<Body> body, FollowedPtr followed);

    task::Runtime& runtime_;
    LinkTarget target_;
    LinkLimits limits_;
    std::shared_ptr<TaskWatch> tasks_;
    std::shared_ptr<HostSession> session_;
    FollowedPtr followed_;
    vim::ServiceContent content_;
    std::vector<Update> updates_;
    std::vector<std::function<void(LinkState, std::string)>> states_;
    LinkState state_ = LinkState::disconnected;
    std::string reason_;
    vim::LocalizedMethodFault fault_;
    base::SteadyTime last_heard_{};
    std::uint64_t run_ = 0;  // counts run() and stop(): coroutines of an earlier one end
    bool runs_ = false;
};

}  // namespace drover::center
