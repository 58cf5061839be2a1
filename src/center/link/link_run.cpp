// How a link keeps itself connected: see link_body.hpp.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/link/link_body.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {

using std::chrono::milliseconds;
using task::Awaitable;

namespace {

constexpr std::chrono::seconds kPauseWhenRefused{15};
// A sleep that took so much longer says that it was us who did not run.
constexpr milliseconds kOverslept{500};

bool is_refusal(const vim::Fault& fault) {
    return fault.fault().is<vim::InvalidLogin>() || fault.fault().is<vim::NoPermission>() ||
           fault.fault().is<vim::SSLVerifyFault>();
}

}  // namespace

Awaitable<void> HostLink::Body::supervise(std::uint64_t run) {
    milliseconds pause = limits_.first_pause;
    while (is_running(run)) {
        FollowedPtr followed;
        if (co_await reach() && is_running(run)) followed = co_await take_picture(run);
        if (!is_running(run)) co_return;
        if (!followed) {
            const bool is_refused = state_ == LinkState::refused;
            co_await runtime_.sleep(is_refused ? milliseconds(kPauseWhenRefused) : pause);
            pause = std::min(pause * 2, limits_.longest_pause);
            continue;
        }
        pause = limits_.first_pause;
        followed_ = followed;
        set_state(LinkState::connected);
        if (!is_running(run)) co_return;
        runtime_.spawn("updates of " + name(), follow_updates(shared_from_this(), followed));
        runtime_.spawn("tasks of " + name(), follow_tasks(shared_from_this(), followed));
        co_await keep_pinging(run, followed);
        followed->over = true;
        if (session_ && is_running(run)) followed->end();
    }
}

// Sleeps until the host has been silent for too long, were it not heard meanwhile.
Awaitable<void> HostLink::Body::watch_silence(std::uint64_t run) {
    while (is_running(run)) {
        const auto begun = runtime_.clock().steady_now();
        const auto left = last_heard_ + limits_.silence - begun;
        if (left <= left.zero()) {
            if (state_ == LinkState::connected || state_ == LinkState::connecting) {
                const auto fault = vim::make_fault<vim::HostCommunication>(
                    fmt::format("The host {} does not answer.", name()));
                set_state(LinkState::not_responding, fault.message(), &fault);
            }
            co_await runtime_.sleep(limits_.ping);
            continue;
        }
        const auto asked = std::chrono::ceil<milliseconds>(left);
        co_await runtime_.sleep(asked);
        const auto took = runtime_.clock().steady_now() - begun;
        if (took > asked + kOverslept) last_heard_ += took - asked;
    }
}

Awaitable<bool> HostLink::Body::reach() {
    if (session_) co_return co_await ping();
    const std::uint64_t run = run_;
    std::exception_ptr failure;
    try {
        auto session = co_await HostSession::open(runtime_, target_, limits_);
        if (!is_running(run) || session_) {
            session->close();
            co_return session_ != nullptr;
        }
        session_ = std::move(session);
        content_ = session_->content();
        heard();
        co_return true;
    } catch (...) {
        failure = std::current_exception();
    }
    if (is_running(run)) note_failure(failure);
    co_return false;
}

void HostLink::Body::note_failure(std::exception_ptr error) {
    const vim::Fault fault = fault_of_connecting(error, name());
    if (is_refusal(fault)) {
        set_state(LinkState::refused, fault.message(), &fault);
        return;
    }
    const auto silent = runtime_.clock().steady_now() - last_heard_;
    if (silent > limits_.silence) set_state(LinkState::not_responding, fault.message(), &fault);
}

Awaitable<bool> HostLink::Body::ping() {
    const auto session = session_;
    std::exception_ptr failure;
    try {
        co_await session->call("CurrentTime", {vim::TypeId::ServiceInstance, "ServiceInstance"}, {},
                               limits_.silence);
        heard();
        co_return true;
    } catch (...) {
        failure = std::current_exception();
    }
    bool is_over = false;
    try {
        std::rethrow_exception(failure);
    } catch (const vim::Fault&) {
        is_over = true;  // the session has ended, or lost its rights: log in anew
        heard();
    } catch (const std::exception&) {
    }
    if (session != session_) co_return false;
    if (is_over) {
        session_ = nullptr;
    } else {
        note_failure(failure);
    }
    co_return false;
}

Awaitable<HostLink::Body::FollowedPtr> HostLink::Body::take_picture(std::uint64_t run) {
    const auto session = session_;
    if (!session) co_return nullptr;
    const auto followed = std::make_shared<Followed>(session, limits_.poll);
    std::exception_ptr failure;
    try {
        tasks_->begin_picture();
        const auto tasks =
            co_await followed->tasks.begin(tasks_spec(session->content()), limits_.first_picture);
        const auto picture = co_await followed->picture.begin(
            picture_spec(session->content(), session->release()), limits_.first_picture);
        if (!is_running(run)) co_return nullptr;
        heard();
        tell_update(picture, true);
        if (!is_running(run)) co_return nullptr;
        tasks_->take(tasks);
        tasks_->end_picture();
        co_return followed;
    } catch (...) {
        failure = std::current_exception();
    }
    if (!is_running(run)) co_return nullptr;
    bool is_over = false;
    try {
        std::rethrow_exception(failure);
    } catch (const vim::Fault& fault) {
        is_over = true;
        if (!is_logged_out(fault)) {
            base::log_error("host {} can't be pictured: {}", name(), fault.message());
            set_state(LinkState::not_responding, fault.message(), &fault);
        }
    } catch (const std::exception&) {
    }
    if (session_ == session && is_over) drop_session();
    if (session_ == session) followed->end();
    note_failure(failure);
    co_return nullptr;
}

Awaitable<void> HostLink::Body::keep_pinging(std::uint64_t run, FollowedPtr followed) {
    auto begun = runtime_.clock().steady_now();
    while (true) {
        const auto next = begun + limits_.ping - runtime_.clock().steady_now();
        if (next > next.zero()) co_await runtime_.sleep(std::chrono::ceil<milliseconds>(next));
        if (!is_running(run) || !session_) co_return;
        begun = runtime_.clock().steady_now();
        const bool answered = co_await ping();
        if (!is_running(run) || !session_) co_return;
        if (answered && (followed->broken || state_ != LinkState::connected)) co_return;
    }
}

Awaitable<void> HostLink::Body::follow_updates(std::shared_ptr<Body> body, FollowedPtr followed) {
    std::string problem;
    try {
        while (!followed->over) {
            const auto updates = co_await followed->picture.next();
            if (followed->over) co_return;
            body->heard();
            for (const auto& update : updates) {
                body->tell_update(update, false);
                if (followed->over) co_return;
            }
        }
    } catch (const std::exception& error) {
        problem = error.what();
    }
    followed->broken = true;
    if (!followed->over) base::log_debug("updates of {}: {}", body->name(), problem);
}

Awaitable<void> HostLink::Body::follow_tasks(std::shared_ptr<Body> body, FollowedPtr followed) {
    std::string problem;
    try {
        while (!followed->over) {
            const auto updates = co_await followed->tasks.next();
            if (followed->over) co_return;
            body->heard();
            for (const auto& update : updates) body->tasks_->take(update);
        }
    } catch (const std::exception& error) {
        problem = error.what();
    }
    followed->broken = true;
    if (!followed->over) base::log_debug("tasks of {}: {}", body->name(), problem);
}

}  // namespace drover::center
