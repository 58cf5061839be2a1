#include "hypervisor/libvirt/connection.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/log.hpp"
#include "hypervisor/libvirt/event_loop.hpp"
#include "hypervisor/libvirt/session.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr auto first_attempt_limit = std::chrono::seconds(5);
constexpr auto close_limit = std::chrono::seconds(5);
constexpr auto first_backoff = std::chrono::milliseconds(50);

// One try to open a session, on a thread of its own: a daemon that accepts and then says nothing
// would hold whoever waits for it.
struct Attempt {
    std::shared_ptr<Session> session{};
    std::string error{};
    bool done = false;
    bool abandoned = false;
};

}  // namespace

struct Connection::State {
    LibvirtOptions options{};
    std::shared_ptr<EventQueue> events{};
    CallRunner runner{};

    mutable std::mutex mutex{};
    std::condition_variable changed{};
    std::shared_ptr<Session> session{};  ///< null while there is none
    bool tried = false;
    bool stopping = false;

    std::shared_ptr<Session> open(const std::shared_ptr<State>& self, std::string& error);
    void let_go(std::shared_ptr<Session> old);
};

std::shared_ptr<Session> Connection::State::open(const std::shared_ptr<State>& self,
                                                 std::string& error) {
    auto attempt = std::make_shared<Attempt>();
    std::thread([self, attempt] {
        std::shared_ptr<Session> opened;
        std::string failure;
        try {
            opened = Session::open(self->options, self->events, [weak = std::weak_ptr(self)] {
                const auto state = weak.lock();
                if (!state) return;
                const std::lock_guard lock(state->mutex);
                state->changed.notify_all();
            });
        } catch (const std::exception& problem) {
            failure = problem.what();
        }
        std::unique_lock lock(self->mutex);
        attempt->done = true;
        attempt->error = failure;
        if (!attempt->abandoned) {
            attempt->session = std::move(opened);
        }
        lock.unlock();
        self->changed.notify_all();
        if (opened) opened->close();
    }).detach();
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return attempt->done || stopping; });
    attempt->abandoned = !attempt->done;
    error = attempt->error;
    return attempt->session;
}

void Connection::State::let_go(std::shared_ptr<Session> old) {
    try {
        runner.run(close_limit, "close the connection", [old = std::move(old)] { old->close(); });
    } catch (const HypervisorError& error) {
        base::log_warning("libvirt: {}", error.what());
    }
}

Connection::Connection(const LibvirtOptions& options, std::shared_ptr<EventQueue> events)
    : state_(std::make_shared<State>()) {
    ensure_event_loop();
    state_->options = options;
    state_->events = std::move(events);
    thread_ = std::thread([state = state_] { keep_connected(state); });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, first_attempt_limit, [&] { return state_->tried; });
}

Connection::~Connection() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_all();
    thread_.join();
}

ConnectionHandle Connection::get() const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->session || !state_->session->alive())
        throw HypervisorError(ErrorKind::unavailable,
                              "no connection to libvirt at " + state_->options.uri);
    return state_->session->connection();
}

void Connection::keep_connected(const std::shared_ptr<State>& state) {
    auto backoff = std::chrono::milliseconds(first_backoff);
    std::string reported;
    std::unique_lock lock(state->mutex);
    while (!state->stopping) {
        lock.unlock();
        std::string error;
        auto session = state->open(state, error);
        lock.lock();
        state->session = session;
        if (session) {
            // In this order: whoever hears of the connection can use it.
            lock.unlock();
            session->announce();
            lock.lock();
        }
        state->tried = true;
        state->changed.notify_all();
        if (session) {
            base::log_info("libvirt: connected to {}", state->options.uri);
            backoff = first_backoff;
            reported.clear();
            state->changed.wait(lock, [&] { return state->stopping || !session->alive(); });
            state->session = nullptr;
            lock.unlock();
            session->mute();
            state->events->push(ConnectionEvent{false});
            state->let_go(std::move(session));
            base::log_info("libvirt: disconnected from {}", state->options.uri);
            lock.lock();
        } else if (error != reported) {
            base::log_warning("libvirt: {}", error);
            reported = error;
        }
        const auto limit = state->options.reconnect_backoff;
        state->changed.wait_for(lock, std::min(backoff, limit), [&] { return state->stopping; });
        backoff = std::min(backoff * 2, limit);
    }
}

}  // namespace drover::hypervisor::libvirt
